"""Which URLs may be asked for and which addresses may be connected to.

A publisher's feed, page or redirect may name any host, and a name may resolve to any address: the guard stands between
those and this machine's own network. It is asked three times for each connection: for the URL, for the addresses that
its host resolved to, and for the address of the socket itself.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable

from yarl import URL

from pipeline.errors import AddressRefused, FetchError, SettingsError, TooManyRedirects

PORTS = frozenset({80, 443})
SCHEMES = frozenset({"http", "https"})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What `is_global` calls global in some supported Python, and yet is no server of the public internet: special ranges of
# the IANA registries, and the IPv6 ranges that carry an IPv4 address inside, which may be a private one.
REFUSED_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # protocol assignments
            "192.88.99.0/24",  # 6to4 relays
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
            "2001::/23",  # protocol assignments, Teredo among them
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is handed out to the public; everything outside (mapped, NAT64, local, multicast …) is refused."""

# A host whose last label is a number is an address to every resolver, in whatever odd spelling (0x7f.1, 2130706433).
NUMERIC_LABEL = re.compile(r"(\d+|0x[0-9a-f]*)", re.IGNORECASE)
NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def refusal(address: Address) -> str | None:
    """Say why `address` must not be connected to, or return None for one of the public internet."""
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST:
        return f"{address} is no public address"
    if not address.is_global or any(address in network for network in REFUSED_NETWORKS):
        return f"{address} is no public address"
    return None


class Guard:
    """Admits URLs, resolved addresses and sockets; `allow_hosts` names the exceptions.

    An entry `host` frees that host from the rules on addresses and ports, an entry `host:port` only at that port. The
    entry is compared with the host of the URL, never with what another name resolves to. `ports` and `refusal` take the
    place of the usual rules where a test must. Raises SettingsError for an entry that is neither.
    """

    def __init__(
        self,
        allow_hosts: Iterable[str] = (),
        *,
        ports: Collection[int] = PORTS,
        refusal: Callable[[Address], str | None] = refusal,
    ) -> None:
        self._ports = ports
        self._refusal = refusal
        self._allowed = {_split_entry(entry) for entry in allow_hosts}
        self._private: set[tuple[Address, int]] = set()

    def admit(self, url: str, base: URL | None = None) -> URL:
        """Return `url` (relative to `base`, if given) ready to be asked for: absolute, without a fragment.

        Raises AddressRefused, or TooManyRedirects for a redirect to what is no URL at all.
        """
        unusable: type[FetchError] = AddressRefused if base is None else TooManyRedirects
        if CONTROL.search(url):
            raise unusable("a control character in the URL", url=url)
        try:
            target = URL(url) if base is None else base.join(URL(url))
            port = target.port
        except ValueError as error:
            raise unusable(f"no usable URL: {error}", url=url) from None
        if target.scheme not in SCHEMES:
            raise AddressRefused(f"only http and https are fetched, not {target.scheme or 'no scheme'!r}", url=url)
        if target.user is not None or target.password is not None:
            raise AddressRefused("a user name or password in the URL", url=url)
        host = target.raw_host
        if not host or port is None:
            raise unusable("no host in the URL", url=url)
        literal = _literal(host, url)
        if not self._is_allowed(host, port):
            if port not in self._ports:
                raise AddressRefused(f"port {port} is not allowed", url=url, hint=_hint(host, port))
            if literal is not None and (reason := self._refusal(literal)) is not None:
                raise AddressRefused(reason, url=url, hint=_hint(host, port))
        elif literal is not None:
            self._private.add((literal, port))
        return target.with_fragment(None)

    def admit_addresses(self, host: str, port: int, addresses: Iterable[str]) -> list[str]:
        """Return those of the resolved `addresses` that may be connected to, in order; AddressRefused if none may."""
        found = [(text, ipaddress.ip_address(text)) for text in addresses]
        if self._is_allowed(host, port):
            self._private.update((address, port) for _, address in found)
            return [text for text, _ in found]
        public = [text for text, address in found if self._refusal(address) is None]
        if found and not public:
            # The URL is not known here: whoever asked puts it in.
            raise AddressRefused(f"{host}: {self._refusal(found[0][1])}", url=host, hint=_hint(host, port))
        return public

    def admits_socket(self, address: str, port: int) -> bool:
        """The last look, at the address that a socket is about to connect to."""
        parsed = ipaddress.ip_address(address)
        return self._refusal(parsed) is None or (parsed, port) in self._private

    def _is_allowed(self, host: str, port: int) -> bool:
        host = host.rstrip(".")
        return (host, None) in self._allowed or (host, port) in self._allowed


def _literal(host: str, url: str) -> Address | None:
    """Return the address that `host` spells, None for a name, and raise AddressRefused for anything between."""
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host)
        except ValueError:
            raise AddressRefused(f"{host!r} is no IPv6 address", url=url) from None
    if NUMERIC_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2]):
        try:
            return ipaddress.IPv4Address(host)
        except ValueError:
            raise AddressRefused(f"{host!r} is an address in an odd spelling", url=url) from None
    if not NAME.fullmatch(host):
        raise AddressRefused(f"{host!r} is no host name", url=url)
    return None


def _split_entry(entry: str) -> tuple[str, int | None]:
    """Split "host", "host:port", "::1" or "[::1]:port"; the host as URLs spell it. Raises SettingsError."""
    text = entry.strip()
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    try:
        url = URL(f"http://{text}/")
        host, port = url.raw_host, url.explicit_port
    except ValueError:
        host, port = None, None
    if not host or url.raw_path_qs != "/" or url.user is not None:
        raise SettingsError(f"fetch.allow_hosts: {entry!r} is neither a host nor host:port")
    return host.rstrip("."), port


def _hint(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"if this host is yours, add {shown}:{port} to fetch.allow_hosts"
