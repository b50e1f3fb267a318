# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages after the descriptions in RFC 4475 and RFC 5118, in our own words and values.

$NUMBER is a personal number, $PROXY the edge, $SENDER and $PORT who sends, $ELSEWHERE an address
that nobody here should reach, $ID differs from message to message.
"""

from collections.abc import Mapping

INVITE = "INVITE sip:$NUMBER@$PROXY SIP/2.0"
REGISTER = "REGISTER sip:followme.local SIP/2.0"
OPTIONS = "OPTIONS sip:$PROXY SIP/2.0"
ANSWER = "SIP/2.0 200 OK"
SDP = ("v=0\r\no=- 1 1 IN IP4 $SENDER\r\ns=-\r\nc=IN IP4 $SENDER\r\nt=0 0\r\n"
       "m=audio 4000 RTP/AVP 8\r\n")
_DEFAULTS = {
    "Via": "SIP/2.0/UDP $SENDER:$PORT;branch=z9hG4bK$ID", "From": "<sip:probe@$SENDER>;tag=f$ID",
    "To": "<sip:$NUMBER@$PROXY>", "Call-ID": "$ID@torture", "Max-Forwards": "70",
    "Contact": "<sip:probe@$SENDER:$PORT>",
}  # fmt: skip


def datagram(text: str, **values: str) -> bytes:
    """A message with these values for $NAME."""
    head, separator, body = text.partition("\r\n\r\n")
    body = _filled(body, values)
    head = _filled(head, {**values, "SIZE": str(len(_bytes(body)))})
    return _bytes(f"{head}{separator}{body}")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")  # bytes that are no text come from mutations


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"${name}", value)
    return text


def sip(start: str, *changed: str, body: str = "", without: tuple[str, ...] = ()) -> str:
    """A message of the usual headers, some changed, some added, some left out."""
    method = "INVITE" if start.startswith("SIP/") else start.split(maxsplit=1)[0]
    lines = {**_DEFAULTS, "CSeq": f"7 {method}"}
    added = []
    for line in changed:
        name, _, value = line.partition(":")
        if name in lines:
            lines[name] = value.strip()
        else:
            added.append(line)
    written = [f"{name}: {value}" for name, value in lines.items() if name not in without]
    if "Content-Length" not in without and not any("Content-Length" in line for line in added):
        added.append("Content-Length: $SIZE")
    return "\r\n".join([start, *written, *added, "", body])


def _raw(*lines: str, body: str = "") -> str:
    return "\r\n".join([*lines, "", body])


VALID = {
    "short tortuous INVITE (3.1.1.1)": _raw(
        "INVITE sip:$NUMBER@$PROXY;unknown=x SIP/2.0",
        "TO :", " sip:$NUMBER@$PROXY ;   other  = 1", "from   : \"J Tab\\\\ \\\"quoted\\\"\"",
        "  <sip:probe@$SENDER>", "  ;", "  tag = t$ID", "MaX-fOrWaRdS: 0068",
        "Call-ID: tort.$ID", "CSeq: 0009", "  INVITE", "Via  : SIP  /   2.0", " /UDP",
        "    $SENDER:$PORT;branch=z9hG4bK$ID", "s :", "NewFangledHeader:   newer value",
        " continued; here", "UnknownWithUnicode: \u00ab\u5927\u963f\u00bb", "k: 100rel",
        "m:\"Quoted string \\\"\\\"\" <sip:probe@$SENDER> ; newparam =", "      newvalue ;",
        "  secondparam ; q = 0.33", "Content-Length: 0"),
    "all valid characters (3.1.1.2)": sip(
        "!odd'Method`1_*%~.+- sip:1_u!s&e*(r)'=+$,;?/@$PROXY SIP/2.0",
        "CSeq: 7 !odd'Method`1_*%~.+-", "extension-!.%*+_`'~: \ufe00\u8a9e",
        'From: "\\\\BEL\\\x07 NUL\\\x00 DEL\\\x7f" <sip:probe@$SENDER>;tag=f$ID'),
    "escapes in the URI (3.1.1.3)": sip(
        "INVITE sip:sips%3Auser%40example.com@$PROXY SIP/2.0", "To: sip:%75se%72@$PROXY"),
    "escaped NUL (3.1.1.4)": sip(
        REGISTER, "To: sip:null-%00-null@followme.local",
        "From: sip:null-%00-null@followme.local;tag=f$ID", "Contact: <sip:%00@$SENDER>"),
    "percent that is no escape (3.1.1.5)": sip(
        "RE%47IST%45R sip:followme.local SIP/2.0", 'To: "%Z%45" <sip:resource@followme.local>',
        "CSeq: 7 RE%47IST%45R", "C%6Fntact: <sip:alias@$SENDER>"),
    "no space before < (3.1.1.6)": sip(
        OPTIONS, "From: probe<sip:probe@$SENDER>;tag=f$ID"),
    "long values (3.1.1.7)": sip(
        INVITE, f'To: "{"long name " * 40}"<sip:$NUMBER@$PROXY;p{"long" * 40}={"value" * 40}>',
        f"From: sip:{'user' * 60}@$SENDER;tag=f$ID{'9' * 200};x{'y' * 200}={'z' * 200}",
        f"Unknown-{'Header' * 30}: {'value, ' * 60}end", *(
            f"Via{' ' * index}: SIP/2.0/TCP host{index}.example.com;branch=z9hG4bK{'b' * 30}{index}"
            for index in range(1, 9))),
    "octets after the end (3.1.1.8)": sip(
        OPTIONS, "Content-Length: 0", body=f"{INVITE}\r\nMax-Forwards: 70\r\n\r\n"),
    "semicolon in the user part (3.1.1.9)": sip(
        "INVITE sip:$NUMBER;par=u%40example.net@$PROXY SIP/2.0"),
    "many transports (3.1.1.10)": sip(
        OPTIONS, "Via: SIP/2.0/UDP $SENDER:$PORT;branch=z9hG4bK$ID, SIP/2.0/SCTP "
        "t2.example.com;branch=z9hG4bK2, SIP/2.0/TLS t3.example.com;branch=z9hG4bK3, "
        "SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bK4"),
    "several parts (3.1.1.11)": sip(
        INVITE, "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655",
        body="--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n--7a9cbec02ceef655\r\n"
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        "\x00\x01\x02\x7f\r\n--7a9cbec02ceef655--"),
    "unusual reason phrase (3.1.1.12)": sip(
        "SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e \u0434\u0432\u0430",
        "Via: SIP/2.0/UDP $PROXY;branch=z9hG4bK$ID.0"),
    "empty reason phrase (3.1.1.13)": sip(
        "SIP/2.0 100 ", "Via: SIP/2.0/UDP $PROXY;branch=z9hG4bK$ID.0"),
}  # fmt: skip

INVALID = {
    "separators without values (3.1.2.1)": sip(
        INVITE, "Via: SIP/2.0/UDP $SENDER:$PORT;;,;,,", 'Contact: "" <> ;,,,;,<sip:x@$SENDER>'),
    "Content-Length beyond the end (3.1.2.2)": sip(
        INVITE, "Content-Type: application/sdp", "Content-Length: 9999", body=SDP),
    "negative Content-Length (3.1.2.3)": sip(INVITE, "Content-Length: -999", body=SDP),
    "numbers too large (3.1.2.4)": sip(
        REGISTER, "CSeq: 36893488147419103232 REGISTER", "Max-Forwards: 300",
        "Expires: 10000000000000000000000000000000000000000", "Contact: "
        "<sip:u@$SENDER>;expires=280297596632815"),
    "numbers too large, in an answer (3.1.2.5)": sip(
        "SIP/2.0 503 Service Unavailable", "Via: SIP/2.0/UDP $PROXY;branch=z9hG4bK$ID.0",
        "CSeq: 9292394834772304023312 OPTIONS", "Retry-After: 949302838503028349304023988"),
    "quotation without end (3.1.2.6)": sip(
        INVITE, 'To: "Mr. J. User <sip:$NUMBER@$PROXY>'),
    "angle brackets around the R-URI (3.1.2.7)": sip(
        "INVITE <sip:$NUMBER@$PROXY> SIP/2.0"),
    "space in the R-URI (3.1.2.8)": sip(
        "INVITE sip:$NUMBER@$PROXY; maddr=$ELSEWHERE SIP/2.0"),
    "several spaces in the start line (3.1.2.9)": sip(
        "INVITE  sip:$NUMBER@$PROXY  SIP/2.0"),
    "space after the start line (3.1.2.10)": sip(f"{INVITE}  "),
    "headers in the R-URI (3.1.2.11)": sip(
        "INVITE sip:$NUMBER@$PROXY?Route=%3Csip%3A$ELSEWHERE%3E SIP/2.0"),
    "unknown zone in Date (3.1.2.12)": sip(
        INVITE, "Date: Fri, 01 Jan 2027 16:00:00 EST"),
    "name-addr without brackets (3.1.2.13)": sip(
        REGISTER, "Contact: sip:user@$SENDER?Route=%3Csip:$ELSEWHERE%3E"),
    "spaces within an address (3.1.2.14)": sip(
        OPTIONS, 'To: "Watson, Thomas" < sip:t.watson@$PROXY >'),
    "display name that is no token (3.1.2.15)": sip(
        OPTIONS, "From: Bell, Alexander <sip:a.g.bell@$SENDER>;tag=f$ID"),
    "unknown version (3.1.2.16)": sip(
        "OPTIONS sip:$PROXY SIP/7.0", "Via: SIP/7.0/UDP $SENDER:$PORT;branch=z9hG4bK$ID"),
    "CSeq of another method (3.1.2.17)": sip(OPTIONS, "CSeq: 8 INVITE"),
    "unknown method, CSeq of another (3.1.2.18)": sip(
        "NEWMETHOD sip:$NUMBER@$PROXY SIP/2.0", "CSeq: 8 INVITE"),
    "code too large (3.1.2.19)": sip(
        "SIP/2.0 4294967301 better not break the receiver",
        "Via: SIP/2.0/UDP $PROXY;branch=z9hG4bK$ID.0"),
}  # fmt: skip

ODD = {
    "branch without a name (3.2.1)": sip(
        OPTIONS, "Via: SIP/2.0/UDP $SENDER:$PORT;branch=z9hG4bK"),
    "required headers missing (3.3.1)": sip(
        INVITE, without=("From", "To", "Call-ID", "Max-Forwards")),
    "unknown scheme (3.3.2)": sip("OPTIONS nobodyKnowsThisScheme:opaquecontent SIP/2.0"),
    "atypical scheme (3.3.3)": sip("OPTIONS soap.beep://$ELSEWHERE:3002 SIP/2.0"),
    "unknown schemes in headers (3.3.4)": sip(
        REGISTER, "To: isbn:2983792873", "From: <http://www.example.com>;tag=f$ID",
        "Contact: <name:John_Smith>"),
    "Require and Proxy-Require (3.3.5)": sip(
        OPTIONS, "Require: nothingSupportsThis, nothingSupportsThisEither",
        "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis"),
    "unknown body (3.3.6)": sip(
        INVITE, "Content-Type: application/unknownformat", body="<audio>\r\n <pcmu port=443/>\r\n"),
    "unknown credentials (3.3.7)": sip(
        REGISTER, "To: <sip:j.user@followme.local>",
        "From: <sip:j.user@followme.local>;tag=f$ID",
        'Authorization: NoOneKnowsThisScheme opaque-data="here"'),
    "single headers several times (3.3.8)": sip(
        INVITE, "CSeq : 5 INVITE", "Call-ID : second", "From : <sip:other@$SENDER>;tag=2",
        "To : <sip:other@$PROXY>", "Max-Forwards : 5"),
    "two Content-Length (3.3.9)": sip(
        OPTIONS, "Content-Length: 13", "Content-Length: 5",
        body="There's no way to know how many octets are here."),
    "answer for a broadcast address (3.3.10)": sip(
        ANSWER, "Via: SIP/2.0/UDP $PROXY;branch=z9hG4bK$ID.0",
        "Via : SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2"),
    "no hops left (3.3.11)": sip(OPTIONS, "Max-Forwards: 0"),
    "parameter of the Contact (3.3.12)": sip(
        REGISTER, "Contact: sip:+19725552222@$SENDER;unknownparam"),
    "parameter of the Contact's URI (3.3.13)": sip(
        REGISTER, "Contact: <sip:+19725552222@$SENDER;unknownparam>"),
    "header of the Contact's URI (3.3.14)": sip(
        REGISTER, "Contact: <sip:user@$SENDER?Route=%3Csip:$ELSEWHERE%3E>"),
    "no body that is wanted (3.3.15)": sip(INVITE, "Accept: text/nobodyKnowsThis"),
    "the way of RFC 2543 (3.4.1)": sip(
        INVITE, "Via: SIP/2.0/UDP $SENDER:$PORT", "From: <sip:iuser@$SENDER>",
        "Record-Route: <sip:services.example.com>", without=("Max-Forwards", "Contact")),
}  # fmt: skip

IPV6 = {
    "address in brackets (RFC 5118, 4.1)": sip(
        "REGISTER sip:[2001:db8::10] SIP/2.0",
        "Via: SIP/2.0/UDP [2001:db8::9:1]:$PORT;branch=z9hG4bK$ID",
        "To: sip:user@followme.local", "Contact: \"Caller\" <sip:caller@[2001:db8::1]>"),
    "address without brackets (4.2)": sip("REGISTER sip:2001:db8::10 SIP/2.0"),
    "port within the brackets (4.3)": sip("REGISTER sip:[2001:db8::10:5070] SIP/2.0"),
    "port after the brackets (4.4)": sip("REGISTER sip:[2001:db8::10]:5070 SIP/2.0"),
    "received in brackets (4.5)": sip(
        "BYE sip:[2001:db8::10] SIP/2.0", "Via: SIP/2.0/UDP [2001:db8::9:1]:$PORT;"
        "received=[2001:db8::9:255];branch=z9hG4bK$ID"),
    "received without brackets (4.5)": sip(
        "OPTIONS sip:[2001:db8::10] SIP/2.0", "Via: SIP/2.0/UDP [2001:db8::9:1]:$PORT;"
        "received=2001:db8::9:255;branch=z9hG4bK$ID"),
    "address in the description (4.6)": sip(
        INVITE, "Content-Type: application/sdp",
        body="v=0\r\no=- 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\n"
        "m=audio 4000 RTP/AVP 8\r\n"),
    "addresses of both kinds (4.7)": sip(
        OPTIONS, "Via : SIP/2.0/UDP [2001:db8::9:1];received=192.0.2.1;branch=z9hG4bKa",
        "Via  : SIP/2.0/UDP 192.0.2.1;received=[2001:db8::9:255];branch=z9hG4bKb"),
    "description of both kinds (4.8)": sip(
        INVITE, "Content-Type: application/sdp", body=SDP +
        "m=video 4002 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\n"),
    "mapped IPv4 address (4.9)": sip(
        INVITE, "Contact: <sip:probe@[::ffff:192.0.2.10]:5060>"),
    "three colons (4.10)": sip("OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0"),
}  # fmt: skip

ALL = {**VALID, **INVALID, **ODD, **IPV6}
