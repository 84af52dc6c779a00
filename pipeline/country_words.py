"""How countries are named inside the names of their bodies, as in "Italian Senate" or "Supreme Court of India".

Only the words that occur in such names, lower case and without diacritics; codes are ISO 3166-1 alpha-2, with `EU` for
the European Union and `XK` for Kosovo.
"""

from collections.abc import Mapping

_TABLE = """
AD andorra|andorran
AE united arab emirates|uae|emirati
AF afghanistan|afghan
AG antigua and barbuda|antiguan
AL albania|albanian
AM armenia|armenian
AO angola|angolan
AR argentina|argentine|argentinian
AT austria|austrian
AU australia|australian
AZ azerbaijan|azerbaijani|azeri
BA bosnia and herzegovina|bosnia|bosnian
BB barbados|barbadian
BD bangladesh|bangladeshi
BE belgium|belgian
BF burkina faso|burkinabe
BG bulgaria|bulgarian
BH bahrain|bahraini
BI burundi|burundian
BJ benin|beninese
BN brunei|bruneian
BO bolivia|bolivian
BR brazil|brazilian
BS bahamas|bahamian
BT bhutan|bhutanese
BW botswana|motswana
BY belarus|belarusian
BZ belize|belizean
CA canada|canadian
CD democratic republic of the congo|democratic republic of congo|dr congo|drc
CF central african republic
CG republic of the congo|republic of congo|congo brazzaville
CH switzerland|swiss
CI ivory coast|cote d ivoire|ivorian
CL chile|chilean
CM cameroon|cameroonian
CN people republic of china|china|chinese|prc
CO colombia|colombian
CR costa rica|costa rican
CU cuba|cuban
CV cape verde|cabo verde
CY cyprus|cypriot
CZ czech republic|czechia|czech
DE federal republic of germany|germany|german
DJ djibouti|djiboutian
DK denmark|danish
DO dominican republic
DZ algeria|algerian
EC ecuador|ecuadorian
EE estonia|estonian
EG egypt|egyptian
ER eritrea|eritrean
ES spain|spanish
ET ethiopia|ethiopian
EU european union|eu
FI finland|finnish
FJ fiji|fijian
FM micronesia
FR france|french
GA gabon|gabonese
GB united kingdom|great britain|uk|britain|british
GD grenada
GE georgia|georgian
GH ghana|ghanaian
GM gambia|gambian
GN guinea|guinean
GQ equatorial guinea
GR greece|greek|hellenic
GT guatemala|guatemalan
GW guinea bissau
GY guyana|guyanese
HK hong kong
HN honduras|honduran
HR croatia|croatian
HT haiti|haitian
HU hungary|hungarian
ID indonesia|indonesian
IE ireland|irish
IL israel|israeli
IN india|indian
IQ iraq|iraqi
IR islamic republic of iran|iran|iranian
IS iceland|icelandic
IT italy|italian
JM jamaica|jamaican
JO jordan|jordanian
JP japan|japanese
KE kenya|kenyan
KG kyrgyzstan|kyrgyz republic|kyrgyz
KH cambodia|cambodian
KI kiribati
KM comoros|comorian
KP democratic people republic of korea|north korea|north korean|dprk
KR republic of korea|south korea|south korean|korea|korean
KW kuwait|kuwaiti
KZ kazakhstan|kazakh|kazakhstani
LA laos|lao|laotian
LB lebanon|lebanese
LI liechtenstein
LK sri lanka|sri lankan
LR liberia|liberian
LS lesotho
LT lithuania|lithuanian
LU luxembourg
LV latvia|latvian
LY libya|libyan
MA morocco|moroccan
MC monaco
MD moldova|moldovan
ME montenegro|montenegrin
MG madagascar|malagasy
MH marshall islands
MK north macedonia|macedonia|macedonian
ML mali|malian
MM myanmar|burma|burmese
MN mongolia|mongolian
MO macau|macao
MR mauritania|mauritanian
MT malta|maltese
MU mauritius|mauritian
MV maldives|maldivian
MW malawi|malawian
MX mexico|mexican
MY malaysia|malaysian
MZ mozambique|mozambican
NA namibia|namibian
NC new caledonia
NE niger|nigerien
NG nigeria|nigerian
NI nicaragua|nicaraguan
NL netherlands|dutch
NO norway|norwegian
NP nepal|nepalese|nepali
NR nauru
NZ new zealand
OM oman|omani
PA panama|panamanian
PE peru|peruvian
PG papua new guinea
PH philippines|philippine|filipino
PK pakistan|pakistani
PL poland|polish
PS palestine|palestinian
PT portugal|portuguese
PW palau
PY paraguay|paraguayan
QA qatar|qatari
RO romania|romanian
RS serbia|serbian
RU russian federation|russia|russian
RW rwanda|rwandan
SA saudi arabia|saudi arabian|saudi
SB solomon islands
SC seychelles
SD sudan|sudanese
SE sweden|swedish
SG singapore|singaporean
SI slovenia|slovenian
SK slovakia|slovak republic|slovak|slovakian
SL sierra leone|sierra leonean
SM san marino
SN senegal|senegalese
SO somalia|somali
SR suriname|surinamese
SS south sudan|south sudanese
ST sao tome and principe
SV el salvador|salvadoran
SY syria|syrian
SZ eswatini|swaziland
TD chad|chadian
TG togo|togolese
TH thailand|thai
TJ tajikistan|tajik
TL timor leste|east timor
TM turkmenistan|turkmen
TN tunisia|tunisian
TO tonga|tongan
TR turkey|turkiye|turkish
TT trinidad and tobago
TV tuvalu
TW taiwan|taiwanese
TZ tanzania|tanzanian
UA ukraine|ukrainian
UG uganda|ugandan
US united states of america|united states|usa|us|american
UY uruguay|uruguayan
UZ uzbekistan|uzbek
VA vatican
VE venezuela|venezuelan
VN vietnam|viet nam|vietnamese
VU vanuatu
WS samoa|samoan
XK kosovo|kosovan
YE yemen|yemeni
ZA south africa|south african
ZM zambia|zambian
ZW zimbabwe|zimbabwean
"""

COUNTRY_WORDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    line[:2]: tuple(tuple(form.split()) for form in line[3:].split("|")) for line in _TABLE.strip().splitlines()
}
"""For each code the forms, each a tuple of words."""

COUNTRY_OF: Mapping[tuple[str, ...], str] = {form: code for code, forms in COUNTRY_WORDS.items() for form in forms}
"""For each form its country."""

LONGEST_FORM = max(map(len, COUNTRY_OF))
"""Words of the longest form."""
