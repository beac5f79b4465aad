"""What looks private and is not: documentation domains, test cards, placeholders, special networks.

Pure. Knows what the standards and the card networks reserve, and how people write "put your key
here". The user's own allow-list is not here: `Detector` takes it as a function.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import log2

# RFC 2606 and RFC 6761; "local" is multicast DNS, "lan" and "internal" never resolve outside.
_RESERVED_TLDS = frozenset({"example", "test", "invalid", "localhost", "local", "lan", "internal"})
# Domains that tutorials use, and that count only together with a user name of the same sort.
_TUTORIAL_DOMAINS = frozenset(
    {"domain.com", "yourdomain.com", "mydomain.com", "company.com", "yourcompany.com", "email.com"}
)
_TUTORIAL_USERS = frozenset(
    {"user", "username", "name", "you", "your", "yourname", "your.name", "email", "youremail"}
    | {"your.email", "someone", "me", "foo", "bar", "test", "john.doe", "jane.doe", "johndoe"}
    | {"first.last", "firstname.lastname", "recipient", "sender", "admin", "user1", "user2"}
)
# At a real provider only names that cannot be a person's are taken for examples.
_PROVIDERS = frozenset({"gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "mail.com"})
_NOBODY = frozenset(
    {"user", "username", "test", "example", "foo", "bar", "foobar", "src", "dst", "from", "to"}
    | {"sender", "recipient", "abc", "xyz", "name", "your", "yourname", "your.name", "youremail"}
    | {"your.email", "your-email", "your_email", "email", "someone", "somebody", "myemail"}
)
# Mailboxes that belong to a machine.
_MACHINE_USERS = re.compile(
    r"(?i)(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|mailer-daemon|git|hg|svn)\Z"
)
# A file name with an @ in it: image@2x.png, package@1.2.js.
_FILE_ENDINGS = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "css", "html", "json", "py", "md"}
    | {"txt", "pdf", "zip", "gz", "yaml", "yml", "xml", "php", "java", "class", "mjs", "tsx"}
)

# Published by the networks and by the large payment services for tests.
_PUBLISHED = """
4111111111111111 4242424242424242 4012888888881881 4222222222222 4000056655665556
4917610000000000 4444333322221111 4988438843884305 4166676667666746 4646464646464644
5555555555554444 5105105105105100 5200828282828210 2223003122003222 2223000048400011
5454545454545454 5500000000000004 5425233430109903 2222420000001113 5399999999999999
378282246310005 371449635398431 378734493671000 340000000000009 370000000000002 343434343434343
30569309025904 38520000023237 3056930009020004 36227206271667 36006666333344 30000000000004
6011111111111117 6011000990139424 6011981111111113 6011000000000004 6510000000000000
3530111333300000 3566002020360505 3528000700000000 6200000000000005 6205500000000000004
6759649826438453 6304000000000000 5610591081018250 6331101999990016 5019717010103742
"""
_TEST_CARDS = frozenset(_PUBLISHED.split())
# Stripe's family of test cards: 4000 00.. with little but zeros.
_STRIPE_TEST_ZEROS = 8

# Resolvers that everybody writes down, and 1.2.3.4, which nobody's computer has.
_FAMOUS_IPS = frozenset(
    {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "149.112.112.112", "208.67.222.222"}
    | {"208.67.220.220", "1.2.3.4", "4.3.2.1", "4.4.4.4", "5.6.7.8", "2.2.2.2", "3.3.3.3"}
    | {"2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111"}
    | {"2606:4700:4700::1001", "2620:fe::fe"}
)
# Unique local (RFC 4193) and documentation (RFC 3849, RFC 9637). The rest of what `ipaddress` does
# not call global is reserved, which does not keep people from using it.
_NOT_PUBLIC_6 = (ip_network("fc00::/7"), ip_network("2001:db8::/32"), ip_network("3fff::/20"))

# What nobody chooses as a password, and no vendor gives out.
_MASK = re.compile(
    r"(?i)example|place_?-?holder|change_?-?me|redacted|your[-_ ]|x{4}|\*{3}|\.{3}|…|#{4}|_{4}|<|>|"
    r"\$\{|\{\{|%\(|\$\("
)
# What people write where a key belongs.
_STAND_IN = re.compile(
    r"(?i)sample|replace|dummy|your|insert|todo|fixme|censored|removed|hidden|"
    r"(?:my|the|some|any)[-_](?:secret|api|token|key)"
)
# So much of a key is looked at: in thousands of random characters every short word turns up.
_LOOK_CHARS = 120
# Five equal characters in a row come by chance once in a million keys.
_SAME = re.compile(r"(.)\1{4}")
# So long a stretch of the alphabet or of the digits was typed by hand.
_RUN_CHARS = 7
_RUNS = "0123456789012345678901234567890 abcdefghijklmnopqrstuvwxyz 9876543210987654321 zyxwvuts"


# Endings that packages do not have.
_DOCUMENT_ENDINGS = frozenset({"txt", "pdf", "png", "jpg", "jpeg", "gif", "webp", "zip", "md"})


def without_file_ending(domain: str) -> str:
    """ "firm.de.txt" is a file that is named after an address; "2x.png" is none."""
    host, _, last = domain.rpartition(".")
    return host if last.casefold() in _DOCUMENT_ENDINGS and "." in host else domain


def is_public_mail(user: str, domain: str) -> bool:
    """An address of documentation, of a machine, or no address at all."""
    labels = domain.casefold().rstrip(".").split(".")
    if labels[-1] in _RESERVED_TLDS or labels[-1] in _FILE_ENDINGS:
        return True
    if "example" in labels or "noreply" in labels:
        return True
    name, place = user.casefold(), ".".join(labels[-2:])
    if name in _TUTORIAL_USERS and place in _TUTORIAL_DOMAINS:
        return True
    if name in _NOBODY and place in _PROVIDERS:
        return True
    return bool(_MACHINE_USERS.match(user))


def is_test_card(digits: str) -> bool:
    """A number that the networks publish for tests, or a single digit all along."""
    if digits in _TEST_CARDS or len(set(digits)) <= 2:  # the second: two digits in turn
        return True
    return digits.startswith("4000") and digits.count("0") >= _STRIPE_TEST_ZEROS


def is_public_ip(text: str) -> bool | None:
    """Whether it is an address of the open Internet; None when it is no address."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return None
    if str(address) in _FAMOUS_IPS or address.is_multicast or address.is_link_local:
        return False
    if isinstance(address, IPv6Address):
        special = (
            text.endswith("::")
            or address.is_loopback
            or address.is_unspecified
            or address.ipv4_mapped
        )
        return not special and not any(address in network for network in _NOT_PUBLIC_6)
    # The address of a network, not of a host.
    return address.is_global and not text.endswith(".0")


def is_masked(value: str) -> bool:
    """A stand-in for any secret: EXAMPLE, xxxx, <your-password>, ${VAR}."""
    return bool(_MASK.search(value[:_LOOK_CHARS]))


def is_placeholder(value: str) -> bool:
    """A stand-in for a key, which nobody chose: also sample, abcdefgh, 11111."""
    value = value[:_LOOK_CHARS]
    if is_masked(value) or _STAND_IN.search(value) or _SAME.search(value):
        return True
    plain = value.casefold()
    steps = len(plain) - _RUN_CHARS + 1
    return any(plain[at : at + _RUN_CHARS] in _RUNS for at in range(steps))


def entropy_bits(value: str) -> float:
    """Shannon entropy per character; at most log2 of the length."""
    size = len(value)
    counts = [value.count(char) for char in set(value)]
    return -sum(count / size * log2(count / size) for count in counts)
