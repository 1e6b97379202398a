"""Rules for what people choose: e-mail, handle, name, password."""

import re
import unicodedata

from fazt.core.auth.model.credentials import is_token_shaped
from fazt.core.errors import Invalid

PASSWORD_MIN = 10
PASSWORD_MAX = 1024
DISTINCT_MIN = 4
EMAIL_MAX = 254

HANDLE = re.compile(r"[a-z0-9](?:[._-]?[a-z0-9]){1,31}")
LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
# Names that mail and the web give a meaning of their own (RFC 2142), or that would mislead.
RESERVED_WORDS = """
abuse admin administrator anonymous everyone fazt hostmaster info mailer-daemon me nobody noreply no-reply owner
postmaster public root security shared support system webmaster www
"""
DENIED_WORDS = """
0123456789 1234567890 12345678910 123456789a 0987654321 9876543210 1q2w3e4r5t 1qaz2wsx3edc q1w2e3r4t5 abcdefghij
abc1234567 abcd123456 administrator changemenow iloveyou123 letmein123 letmeinnow mypassword passw0rd123 password01
password12 password123 password1234 password12345 password123456 passwordpassword qazwsxedcr qwerty1234 qwerty12345
qwerty123456 qwertyuiop qwertzuiop secret1234 sunshine123 trustno1trustno1 welcome123 welcome1234 football123
princess123 correcthorsebatterystaple
"""
RESERVED = frozenset(RESERVED_WORDS.split())
DENIED = frozenset(DENIED_WORDS.split())


def normalize_login(login: str) -> str:
    """An e-mail or handle as it is stored, or "" where it cannot be either (NUL, half a surrogate, too long)."""
    if len(login) > EMAIL_MAX:
        return ""
    text = unicodedata.normalize("NFC", login.strip()).lower()
    return text if text.isprintable() else ""


def normalize_password(password: str) -> bytes:
    """What is hashed: NFC (RFC 8265, OpaqueString), so that a Mac and a PC type the same password."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def check_email(email: str) -> str:
    """The address as it is stored: NFC, lower case. Raises Invalid."""
    text = normalize_login(email)
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    if not (at and 0 < len(local) <= 64 and " " not in local and all(LABEL.fullmatch(label) for label in labels)):
        raise Invalid(f"{email[:EMAIL_MAX]!r} is not an e-mail address.", hint="For example ann@example.com.")
    return text


def check_handle(handle: str) -> str:
    """The handle as it is stored: 2 to 32 of a-z, 0-9 and single . _ - between. Raises Invalid."""
    text = normalize_login(handle)
    if not HANDLE.fullmatch(text) or len(text) > 32:
        raise Invalid(
            f"{handle[:64]!r} is not a name to log in with.",
            hint="Use 2 to 32 letters a-z and digits, with single dots or hyphens between.",
        )
    if text in RESERVED:
        raise Invalid(f"The name {text} is taken by the system.", hint="Choose another one.")
    return text


def handle_from(email: str) -> str:
    """A handle like the e-mail's local part; not checked whether the system or somebody has it."""
    local = re.sub("[^a-z0-9]+", ".", email.partition("@")[0].partition("+")[0].lower())[:28].strip(".")
    return local if HANDLE.fullmatch(local) else "user"


def check_name(name: str) -> str:
    """A person's or a device's name: one line, up to 100 characters. Raises Invalid."""
    text = unicodedata.normalize("NFC", name.strip())
    if not text or len(text) > 100 or not text.isprintable():
        raise Invalid("A name is one line of 1 to 100 characters.")
    return text


def check_password(password: str, *, email: str = "", handle: str = "") -> None:
    """Raises Invalid, saying why, for one that is short, everybody's first guess, or the person's own name."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    if len(password) < PASSWORD_MIN:
        raise Invalid(f"A password has at least {PASSWORD_MIN} characters.", hint="Four random words do well.")
    if len(password) > PASSWORD_MAX:
        raise Invalid(f"A password has at most {PASSWORD_MAX} characters.")
    if is_token_shaped(password):
        raise Invalid("This looks like a token.", hint="Choose a password of your own.")
    own = {email.casefold(), email.partition("@")[0].casefold(), handle}
    if folded in own:
        raise Invalid("The password is your own name or address.", hint="Choose one that others cannot guess.")
    if folded.strip(" !.?") in DENIED or len(set(folded)) < DISTINCT_MIN:
        raise Invalid("This password is among the first that anybody tries.", hint="Four random words do well.")
