"""Certificates as text, and what authorities say."""

from __future__ import annotations

import base64

import pytest
from acme import messages
from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.clock import DAY
from fazt.core.errors import Invalid
from fazt.core.tls.engine.checks import judge_caa
from fazt.core.tls.engine.problems import read_retry_after, to_outcome
from fazt.core.tls.model.outcomes import Limited, Refused, Trouble
from fazt.core.tls.wire import create_key, create_leaf, create_request, create_root, read_certificate, renewal_id
from tests.conftest import NOW

ROOT = create_root("tests", ["example.com"], NOW)
CHAIN, KEY = create_leaf(*ROOT, ["a.example.com", "192.168.1.7", "fd00::1"], NOW)


def test_a_certificate_is_read_with_all_its_names() -> None:
    found = read_certificate(CHAIN + ROOT[0], KEY, "imported")
    assert found.names == ("a.example.com", "192.168.1.7", "fd00::1")
    assert found.issuer.startswith("fazt tests ")
    assert found.not_before <= NOW < found.not_after <= NOW + 90 * DAY + 1_000


@given(st.text(max_size=200), st.text(max_size=200))
def test_nothing_but_invalid_is_raised_for_what_is_none(chain: str, key: str) -> None:
    for pair in ((chain, key), (CHAIN, key), (chain, KEY), (CHAIN[: len(chain) * 3], KEY)):
        with pytest.raises(Invalid):
            read_certificate(*pair, "imported")


def test_a_key_of_another_certificate_is_refused() -> None:
    with pytest.raises(Invalid, match="does not belong"):
        read_certificate(CHAIN, create_key(), "imported")


def test_a_request_names_hosts_and_addresses() -> None:
    request = x509.load_pem_x509_csr(create_request(["*.example.com", "10.0.0.1"], create_key()).encode())
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["*.example.com"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1"]
    assert request.is_signature_valid


def test_the_root_says_what_it_can_vouch_for() -> None:
    root = x509.load_pem_x509_certificate(ROOT[0].encode())
    constraints = root.extensions.get_extension_for_oid(ExtensionOID.NAME_CONSTRAINTS)
    assert constraints.critical
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_a_certificate_is_named_for_renewal_as_the_rfc_says() -> None:
    """RFC 9773, 4.1 and its example: base 64 of the key identifier, a dot, base 64 of the serial number's bytes."""
    leaf = x509.load_pem_x509_certificate(CHAIN.encode())
    identifier, serial = renewal_id(CHAIN).split(".")

    def decode(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert decode(identifier) == issuer
    assert int.from_bytes(decode(serial), "big", signed=True) == leaf.serial_number


# --- what authorities say


def problem(kind: str, **more: object) -> messages.Error:
    """As an authority would send it."""
    found = messages.Error.from_json({"type": f"urn:ietf:params:acme:error:{kind}", "detail": "told so", **more})
    assert isinstance(found, messages.Error)
    return found


def test_problems_of_names_are_theirs_and_others_the_authoritys() -> None:
    names = ["a.example.com", "b.example.com"]
    refused = to_outcome(problem("caa"), names, "")
    assert isinstance(refused, Refused)
    assert set(refused.hosts) == set(names)
    assert "CAA" in refused.hosts["a.example.com"][1]
    one = {"type": "urn:ietf:params:acme:error:dns", "detail": "x", "identifier": {"type": "dns", "value": names[1]}}
    refused = to_outcome(problem("malformed", subproblems=[one]), names, "")
    assert isinstance(refused, Refused)
    assert set(refused.hosts) == {"b.example.com"}
    limited = to_outcome(problem("rateLimited"), names, "120")
    assert isinstance(limited, Limited)
    assert limited.retry_after_s == 120
    for trouble in (problem("serverInternal"), problem("unknownToUs"), ConnectionError("x"), ValueError("no JSON")):
        assert isinstance(to_outcome(trouble, names, ""), Trouble)
    bound = to_outcome(problem("externalAccountRequired"), [], "")
    assert "tls.eab_key_id" in bound.hint


def test_waiting_times_are_read_in_both_forms() -> None:
    assert read_retry_after("90") == 90
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert read_retry_after("soon") == 3_600


@pytest.mark.parametrize(
    ("records", "wild", "well"),
    [
        (['0 issue "letsencrypt.org"'], False, True),
        (['0 issue "letsencrypt.org; validationmethods=dns-01"'], False, True),
        (['0 issue "other.example"'], False, False),
        (['0 issue ";"'], False, False),
        (['0 iodef "mailto:me@example.com"'], False, True),
        (['0 issue "other.example"', '0 issue "LetsEncrypt.org"'], False, True),
        (['0 issue "letsencrypt.org"', '0 issuewild ";"'], True, False),
        (['0 issue "letsencrypt.org"', '0 issuewild ";"'], False, True),
    ],
)
def test_caa_records_are_read_as_authorities_read_them(records: list[str], wild: bool, well: bool) -> None:
    split = [record.split(" ", 2) for record in records]
    (finding,) = judge_caa("example.com", split, {"letsencrypt.org"}, is_wild=wild)
    assert finding.is_well is well
    assert finding.is_well or 'issue "letsencrypt.org"' in finding.hint
