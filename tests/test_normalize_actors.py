"""Who acts, and where: actors and their countries, settled by the text and the registry of bodies."""

import pytest
from raw_mentions import mention

from extractors.names import same_name
from pipeline.types import ActorKind


@pytest.mark.parametrize(
    ("text", "actor", "canonical", "kind", "country"),
    [
        ("Italy banned TikTok.", "Italy", "Italy", ActorKind.GOVERNMENT, "IT"),
        ("The Italian government banned TikTok.", "Italian government", "Italy", ActorKind.GOVERNMENT, "IT"),
        ("Seoul banned TikTok.", "Seoul", "South Korea", ActorKind.GOVERNMENT, "KR"),
        (
            "US President Donald Trump banned TikTok.",
            "US President Donald Trump",
            "United States",
            ActorKind.GOVERNMENT,
            "US",
        ),
        (
            "The Trump administration banned TikTok.",
            "Trump administration",
            "United States",
            ActorKind.GOVERNMENT,
            "US",
        ),
        ("The EU banned TikTok.", "EU", "European Union", ActorKind.INTERNATIONAL, "EU"),
        (
            "The European Commission banned TikTok.",
            "European Commission",
            "European Commission",
            ActorKind.INTERNATIONAL,
            "EU",
        ),
        (
            "Texas Governor Greg Abbott banned TikTok.",
            "Texas Governor Greg Abbott",
            "Texas",
            ActorKind.SUBNATIONAL,
            "US",
        ),
        (
            "California's attorney general banned TikTok.",
            "California's attorney general",
            "California Attorney General",
            ActorKind.SUBNATIONAL,
            "US",
        ),
        (
            "Italy's Garante banned DeepSeek.",
            "Italy's Garante",
            "Garante per la protezione dei dati personali",
            ActorKind.DATA_PROTECTION,
            "IT",
        ),
        (
            "In Italy the national data protection authority banned it: DeepSeek.",
            "national data protection authority",
            "Garante per la protezione dei dati personali",
            ActorKind.DATA_PROTECTION,
            "IT",
        ),
        (
            "Ireland's privacy watchdog banned TikTok.",
            "Ireland's privacy watchdog",
            "Ireland Data Protection Commission",
            ActorKind.DATA_PROTECTION,
            "IE",
        ),
        (
            "Greek education minister Nikos Pappas banned phones.",
            "Greek education minister Nikos Pappas",
            "Greece Ministry of Education",
            ActorKind.MINISTRY,
            "GR",
        ),
        (
            "Lithuania's defence ministry banned Xiaomi.",
            "Lithuania's defence ministry",
            "Lithuania Ministry of National Defence",
            ActorKind.MILITARY,
            "LT",
        ),
        (
            "In South Korea the Ministry of National Defense banned DeepSeek.",
            "Ministry of National Defense",
            "South Korea Ministry of National Defense",
            ActorKind.MILITARY,
            "KR",
        ),
        (
            "Nepal banned it. The Ministry of Health banned TikTok.",
            "Ministry of Health",
            "Nepal Ministry of Health",
            ActorKind.MINISTRY,
            "NP",
        ),
        (
            "FTC Chair Lina Khan banned TikTok.",
            "FTC Chair Lina Khan",
            "Federal Trade Commission",
            ActorKind.REGULATOR,
            "US",
        ),
        (
            "US Commerce Secretary, Wilbur Ross banned WeChat.",
            "US Commerce Secretary, Wilbur Ross",
            "United States Department of Commerce",
            ActorKind.MINISTRY,
            "US",
        ),
        ("Taiwanese FTC banned Huawei.", "Taiwanese FTC", "Taiwan Fair Trade Commission", ActorKind.REGULATOR, "TW"),
        (
            "The Navarria Media Board (NMB) met in Fiji. The NMB banned TikTok.",
            "NMB",
            "Navarria Media Board",
            ActorKind.COMPANY,
            "FJ",
        ),
        (
            "In Oman talks were held. The TRA banned Uber.",
            "TRA",
            "Oman Telecommunications Regulatory Authority",
            ActorKind.REGULATOR,
            "OM",
        ),
        (
            "In Bahrain talks were held. The TRA banned Uber.",
            "TRA",
            "Bahrain Telecommunications Regulatory Authority",
            ActorKind.REGULATOR,
            "BH",
        ),
        (
            "In Qatar the CRA banned TikTok.",
            "CRA",
            "Communications Regulatory Authority (Qatar)",
            ActorKind.REGULATOR,
            "QA",
        ),
        ("In Fiji the TRA banned TikTok.", "TRA", "TRA", ActorKind.OTHER, "FJ"),
        (
            "Pakistan's media regulator banned TikTok.",
            "Pakistan's media regulator",
            "Pakistan Electronic Media Regulatory Authority",
            ActorKind.REGULATOR,
            "PK",
        ),
        (
            "Pakistan's telecom regulator banned TikTok.",
            "Pakistan's telecom regulator",
            "Pakistan Telecommunication Authority",
            ActorKind.REGULATOR,
            "PK",
        ),
        (
            "Britain's competition watchdog banned TikTok.",
            "Britain's competition watchdog",
            "Competition and Markets Authority",
            ActorKind.REGULATOR,
            "GB",
        ),
        ("Kakao Corp banned DeepSeek.", "Kakao Corp", "Kakao", ActorKind.COMPANY, "KR"),
        ("Alphabet-owned Google banned Parler.", "Alphabet-owned Google", "Google", ActorKind.COMPANY, "US"),
        ("Peru woke up. Quorzle Bank banned ChatGPT.", "Quorzle Bank", "Quorzle Bank", ActorKind.COMPANY, "PE"),
        ("Quorzle Bank banned ChatGPT.", "Quorzle Bank", "Quorzle Bank", ActorKind.COMPANY, "XX"),
        ("In Kenya the government banned TikTok.", "government", "Kenya", ActorKind.GOVERNMENT, "KE"),
        ("The government banned TikTok.", "government", "government", ActorKind.GOVERNMENT, "XX"),
        ("Uber may stay in Britain, but London banned it: Uber.", "London", "London", ActorKind.SUBNATIONAL, "GB"),
        ("London banned Huawei.", "London", "United Kingdom", ActorKind.GOVERNMENT, "GB"),
        (
            "The Islamabad High Court banned TikTok.",
            "Islamabad High Court",
            "Islamabad High Court",
            ActorKind.COURT,
            "PK",
        ),
    ],
)
def test_actors(text: str, actor: str, canonical: str, kind: ActorKind, country: str) -> None:
    services = ("TikTok", "DeepSeek", "phones", "Xiaomi", "WeChat", "Huawei", "Parler", "ChatGPT", "Uber")
    service = next(name for name in services if name in text)
    found = mention(text, trigger="banned", service=service, actor=actor)
    assert (found.actor_canonical, found.actor_kind, found.country) == (canonical, kind, country)


@pytest.mark.parametrize(
    ("text", "actor", "canonical", "country"),
    [
        (
            "The Additional Secretary (Home) to the Government of Tripura banned TikTok.",
            "Additional Secretary (Home) to the Government of Tripura",
            "Tripura",
            "IN",
        ),
        (
            "The Joint Secretary to the Government of J&K banned TikTok.",
            "Joint Secretary to the Government of J&K",
            "Jammu and Kashmir",
            "IN",
        ),
        ("In Assam the Chief Secretary to the Govt banned TikTok.", "Chief Secretary to the Govt", "Assam", "IN"),
        (
            "US agencies met; FINRA was there. Regulators banned Robinhood.",
            "Regulators",
            "United States regulators",
            "US",
        ),
        ("The authorities in three districts of Assam banned TikTok.", "authorities", "Assam", "IN"),
        ("In Manipur the police banned TikTok.", "police", "Manipur Police", "IN"),
        ("In Assam, India, the government banned TikTok.", "government", "India", "IN"),
        ("The mood in Assam is tense. The government banned TikTok.", "government", "India", "IN"),
        ("In Texas the administration banned TikTok.", "administration", "United States", "US"),
        ("Voters in Arizona approve: Governor Jane Doe banned TikTok.", "Governor Jane Doe", "Arizona", "US"),
        ("It is quiet in Prague today. City Hall banned Uber.", "City Hall", "Prague", "CZ"),
        ("Sudan is tense. The military banned TikTok.", "military", "Sudan Military", "SD"),
        ("Chad's military junta banned TikTok.", "Chad's military junta", "Chad", "TD"),
        (
            "In the US, Democratic Rep. Alexandria Roe banned TikTok.",
            "Democratic Rep. Alexandria Roe",
            "Alexandria Roe",
            "US",
        ),
        ("In Britain, Labour MP Ann Roe-Smith banned TikTok.", "Labour MP Ann Roe-Smith", "Ann Roe-Smith", "GB"),
        ("Japan acts: the FSA banned Bybit.", "FSA", "Japan Financial Services Agency", "JP"),
        ("Togo acts: the FSA banned Bybit.", "FSA", "FSA", "TG"),
        (
            "Russia's acting digital minister banned Zoom.",
            "Russia's acting digital minister",
            "Russia Ministry of Digital Development",
            "RU",
        ),
        (
            "The US Justice Department sued. The Treasury banned TikTok.",
            "Treasury",
            "Treasury",
            "US",
        ),
    ],
)
def test_actors_by_office_and_place(text: str, actor: str, canonical: str, country: str) -> None:
    found = mention(text, trigger="banned", service=text.rstrip(".").split()[-1], actor=actor)
    assert found.country == country
    assert found.actor_canonical is not None
    assert same_name(found.actor_canonical, canonical, same_country=True), found.actor_canonical


def test_a_bare_noun_takes_the_full_name_from_elsewhere() -> None:
    text = "Roskomnadzor spoke on Monday in Moscow. Later the regulator banned Signal."
    found = mention(text, trigger="banned", service="Signal", actor="regulator")
    assert found.actor_canonical == "Roskomnadzor"
    assert found.country == "RU"


def test_half_a_name_means_the_whole_one() -> None:
    text = "The Uttarakhand High Court banned Free Fire in Uttar Pradesh."
    assert mention(text, trigger="banned", service="Fire", actor="Uttarakhand").service_canonical == "Free Fire"
    assert (
        mention(text, trigger="banned", service="Free", actor="High Court").actor_canonical == "Uttarakhand High Court"
    )
    assert mention(text, trigger="banned", service="Free", actor="Uttar Pradesh").actor_canonical == "Uttar Pradesh"


def test_no_actor_stays_no_actor_and_the_country_is_the_nearest() -> None:
    text = "In Brazil talks went on. WhatsApp was banned in Chad."
    found = mention(text, trigger="banned", service="WhatsApp")
    assert (found.actor, found.actor_canonical, found.actor_kind, found.country) == (None, None, None, "TD")


def test_where_the_service_comes_from_is_not_where_it_is_restricted() -> None:
    text = "Chinese startup DeepSeek was banned, officials in Norway said."
    assert mention(text, trigger="banned", service="DeepSeek").country == "NO"


def test_a_place_stands_for_its_country() -> None:
    assert mention("The internet was banned in Rajasthan.", trigger="banned", service="internet").country == "IN"


def test_no_country_is_xx() -> None:
    assert mention("TikTok was banned.", trigger="banned", service="TikTok").country == "XX"
