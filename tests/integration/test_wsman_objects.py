#!/usr/bin/env python3
"""What Get, Enumerate and Pull give, compared with what /cim gives for the
same objects; and what they refuse."""
import xml.etree.ElementTree as tree

from sealing import CANARY, Sealed
from soap import (ADDRESS, ANONYMOUS, CIM, COMMON, ENUMERATE, ENUMERATION, GET,
                  PULL, RELEASE, TRANSFER, WMI, WSMAN, XSI, envelope, plain,
                  sealed, selectors, utf16)

from harness import Gate, expect, expect_equal, main, test

TYPES_MOF = r"""
#pragma namespace("\\\\.\\root\\Types")
class Base { [key] string Id; uint64 Size = 5; string Note = "from base"; };
class Part : Base { sint16 List[]; string Words[]; };
class Far { [key] uint8 Slot; [key] boolean On; [key] char16 Letter;
            Base ref Of; };
class Inner { string A; uint32 B[]; };
class All
{
    [key] sint32 N;
    boolean Yes; char16 C; string S; datetime When; datetime Long;
    datetime Some; uint8 U8; sint8 S8; uint16 U16; sint16 S16; uint32 U32;
    sint32 S32; uint64 U64; sint64 S64; real32 R32; real64 R64;
    uint8 None[]; Inner Deep; Base ref Here; Base ref There;
};
[Singleton] class Only { string State; };
class Empty { [key] string K; };
instance of Part { Id = "one"; List = {1, -2}; Words = {"a b", "<&>\"'"}; };
instance of Part { Id = "a/b \"c\"\\ d"; Note = NULL;
                   Size = 18446744073709551615; List = {}; };
instance of Base { Id = "  spaces "; };
instance of Far { Slot = 7; On = TRUE; Letter = 'x';
                  Of = "Part.Id=\"one\""; };
instance of All {
    N = -3; Yes = FALSE; C = 'y'; S = "tab\tline\n\x1e end";
    When = "20260102030405.678901+090"; Long = "00000012030405.000006:000";
    Some = "20260102******.******+000"; U8 = 255; S8 = -128; U16 = 65535;
    S16 = -32768; U32 = 4294967295; S32 = -2147483648;
    U64 = 18446744073709551615; S64 = -9223372036854775808; R32 = 1.5;
    R64 = 0.1; Here = "Base.Id=\"  spaces \"";
    There = "\\\\.\\root\\Secret:Secret_Thing.Name=\"code\"";
    Deep = instance of Inner { A = "in"; B = {1, 2}; };
};
instance of Only { State = "up"; };
"""
MANY_MOF = ('#pragma namespace("\\\\\\\\.\\\\root\\\\Many")\n'
            '[RequiresEncryption(TRUE)] instance of __SystemSecurity { };\n'
            'class Many { [key] uint32 N; string T; };\n'
            'class More : Many { };\n' + "".join(
                'instance of %s { N = %d; T = "%s"; };\n'
                % ("More" if n % 3 == 0 else "Many", n, "x" * 100)
                for n in range(60)) +
            'class One { [key] uint32 N; string T; };\n'
            'instance of One { N = 1; T = "%s"; };\n' % ("y" * 12000))
EXTRA = """
[listener/http-small]
bind            = 127.0.0.1:0
sealed_body_max = 8K
"""
gate = Gate(extra=EXTRA, settings="page_max = 40")
gate.compile(TYPES_MOF)
gate.compile(MANY_MOF)
TYPES, MANY = WMI + "root/Types/", WMI + "root/Many/"


def local(element):
    return element.tag.rpartition("}")[2]


def get(name, resource=TYPES, **keys):
    return plain(gate, "https", envelope(
        GET, resource + name, selectors(**keys) if keys else ""))


def values(element):
    """{property: [texts]} of an object; None for NULL."""
    found = {}
    for child in element:
        text = None if child.get("{%s}nil" % XSI) == "true" else (
            child.text or "")
        found.setdefault(local(child), []).append(text)
    return found


def enumerate_body(*parts):
    return "<n:Enumerate>%s</n:Enumerate>" % "".join(parts)


OPTIMIZE = "<w:OptimizeEnumeration/>"


def at_most(count, prefix="w"):
    return "<%s:MaxElements>%d</%s:MaxElements>" % (prefix, count, prefix)


def context_of(reply):
    return reply.text("s:Body/*/n:EnumerationContext")


def pull_body(context, *parts):
    return "<n:Pull><n:EnumerationContext>%s</n:EnumerationContext>%s" \
        "</n:Pull>" % (context, "".join(parts))


def items_of(reply, prefix):
    return list(reply.find("s:Body/*/%s:Items" % prefix))


# -- Get ------------------------------------------------------------------------

@test("an object is what /cim gives, in its class's namespace")
def _():
    reply = get("Part", Id="one").good()
    expect_equal(reply.action, TRANSFER + "/GetResponse", "the Action")
    one = reply.body[0]
    expect_equal(one.tag, "{%sPart}Part" % TYPES.replace("Types", "types"),
                 "its name")
    expect(one.get("{%s}type" % XSI).endswith(":Part_Type"), "its type")
    expect_equal(values(one), {
        "Id": ["one"], "Size": ["5"], "Note": ["from base"],
        "List": ["1", "-2"], "Words": ["a b", "<&>\"'"]}, "its values")
    other = get("Part", Id="a/b \"c\"\\ d").good().body[0]
    expect_equal(values(other), {
        "Id": ["a/b \"c\"\\ d"], "Size": ["18446744073709551615"],
        "Note": [None], "Words": [None]}, "an empty array is no element")
    for path in ("Part.Id=%22one%22", "Only=@"):
        got = gate.ask("https", "/cim/root/Types:" + path, gate.token()).json
        keys = {"Id": "one"} if "one" in path else {}
        found = values(get(path.split(".")[0].split("=")[0], **keys)
                       .good().body[0])
        for name, value in got["properties"].items():
            wanted = [str(v) for v in value] if isinstance(value, list) \
                else [None if value is None else str(value)]
            expect_equal(found[name], wanted, name)


@test("every type of CIM has its form")
def _():
    one = get("All", N="-3").good().body[0]
    found = values(one)
    for name, text in (
            ("N", "-3"), ("Yes", "false"), ("C", "y"), ("U8", "255"),
            ("S8", "-128"), ("U16", "65535"), ("S16", "-32768"),
            ("U32", "4294967295"), ("S32", "-2147483648"),
            ("U64", "18446744073709551615"),
            ("S64", "-9223372036854775808"), ("R32", "1.5"), ("R64", "0.1"),
            ("None", None), ("S", "tab\tline\n\ufffd end")):
        expect_equal(found[name], [text], name)
    below = {local(e): list(e) for e in one}
    for name, tag, text in (
            ("When", "Datetime", "2026-01-02T03:04:05.678901+01:30"),
            ("Long", "Interval", "P12DT03H04M05.000006S"),
            ("Some", "CIM_DateTime", "20260102******.******+000")):
        expect_equal([(e.tag, e.text) for e in below[name]],
                     [("{%s}%s" % (COMMON, tag), text)], name)
    deep = [e for e in one if local(e) == "Deep"][0]
    expect_equal(values(deep), {"A": ["in"], "B": ["1", "2"]}, "Deep")
    expect(deep[0].tag.startswith("{%sInner}" % WMI.replace(
        "wmi/", "wmi/root/types/")), "its namespace", deep[0].tag)


@test("a reference is an endpoint, and one elsewhere its path")
def _():
    one = get("All", N="-3").good().body[0]
    here, there = [[e for e in one if local(e) == n][0]
                   for n in ("Here", "There")]
    expect_equal(here.find("{%s}Address" % ADDRESS).text, ANONYMOUS,
                 "the address")
    uri = here.find(".//{%s}ResourceURI" % WSMAN).text
    chosen = {e.get("Name"): e.text
              for e in here.iter("{%s}Selector" % WSMAN)}
    expect_equal((uri, chosen), (WMI + "root/types/Base", {
        "Id": "  spaces ", "__cimnamespace": "root/types"}), "the endpoint")
    # And it leads there.
    again = plain(gate, "https", envelope(GET, uri, selectors(**chosen)))
    expect_equal(values(again.good().body[0])["Id"], ["  spaces "], "Id")
    expect_equal((there.text, len(there)), (
        "\\\\.\\root\\Secret:Secret_Thing.Name=\"code\"", 0), "a path")


@test("keys of every kind, and a singleton by none")
def _():
    far = get("Far", slot="7", ON="true", Letter="x").good().body[0]
    expect_equal(values(far)["Slot"], ["7"], "Slot")
    get("Far", Slot="0x7", On="TRUE", Letter="x").good()
    expect_equal(values(get("Only").good().body[0]), {"State": ["up"]},
                 "the singleton")
    # A class's key finds instances of those below it.
    expect_equal(local(get("Base", Id="one").good().body[0]), "Part",
                 "the class")


@test("the schema's form of a resource, its namespace by selector")
def _():
    one = get("Part", CIM, Id="one", __cimnamespace="root/Types").good()
    expect_equal(one.body[0].tag, "{%sPart}Part" % CIM, "its name")
    get("Part", CIM, Id="one").fault("a:DestinationUnreachable", 2150858811)


@test("selectors are the keys and nothing else")
def _():
    bad = ("w:InvalidSelectors", 2150858813)
    for keys, problem in (
            ({}, "no selector"), ({"Size": "5"}, "not a key"),
            ({"Id": "one", "Size": "5"}, "not a key"),
            ({"Nope": "x"}, "not a key")):
        get("Part", **keys).fault(*bad, problem)
    for keys in ({"Slot": "x"}, {"Slot": ""}, {"Slot": "7,On=FALSE"},
                 {"Slot": "\"7\""}, {"Slot": "7 "}, {"Letter": "xy"},
                 {"On": "maybe"}):
        get("Far", **dict({"Slot": "7", "On": "true", "Letter": "x"},
                          **keys)).fault(*bad)
    get("Far", Slot="7").fault(*bad, "no selector")
    get("Part", Id="one\",Id=\"two").fault("a:DestinationUnreachable",
                                           2150858752)
    for name in ("Nope", "*"):
        get(name, Id="one").fault("a:DestinationUnreachable", 2150858811)
    plain(gate, "https", envelope(
        GET, TYPES + "Far", "<w:SelectorSet><w:Selector Name='Of'>"
        "<a:EndpointReference/></w:Selector></w:SelectorSet>")).fault(*bad)


# -- Enumerate, Pull ---------------------------------------------------------------

def walk(client, resource, first, further, limit=1000):
    """All items of an enumeration: how many came at each step."""
    counts, found = [], []
    reply = client(envelope(ENUMERATE, resource, body=first)).good()
    expect_equal(reply.action, ENUMERATION + "/EnumerateResponse", "Action")
    if reply.find("s:Body/*/w:Items") is not None:
        found += items_of(reply, "w")
        counts.append(len(found))
    while reply.find("s:Body/*/w:EndOfSequence") is None and \
            reply.find("s:Body/*/n:EndOfSequence") is None:
        reply = client(envelope(PULL, resource, body=pull_body(
            context_of(reply), further))).good()
        expect_equal(reply.action, ENUMERATION + "/PullResponse", "Action")
        counts.append(len(items_of(reply, "n")))
        found += items_of(reply, "n")
        expect(len(counts) < limit, "it does not end")
    return counts, found


def by_https(xml):
    return plain(gate, "https", xml)


def expected_numbers():
    return [str(i["properties"]["N"]) for i in gate.ask(
        "https", "/cim/root/Many:Many/instances?limit=40",
        gate.token()).json["instances"]]


@test("an enumeration in steps of every size gives every instance once")
def _():
    for first, further, counts in (
            (enumerate_body(), at_most(25, "n"), [25, 25, 10]),
            (enumerate_body(OPTIMIZE, at_most(7)), at_most(30, "n"),
             [7, 30, 23]),
            (enumerate_body(OPTIMIZE, at_most(1000)), at_most(1000, "n"),
             [40, 20]),  # page_max
            (enumerate_body(OPTIMIZE), at_most(59, "n"), [1, 40, 19]),
            (enumerate_body(OPTIMIZE, at_most(30)), at_most(30, "n"),
             [30, 30])):
        made, found = walk(by_https, MANY + "Many", first, further)
        expect_equal(made, counts, "the steps of " + first)
        numbers = [values(e)["N"][0] for e in found]
        expect_equal(sorted(map(int, numbers)), list(range(60)), "the items")
        expect_equal(numbers[:40], expected_numbers(), "their order")
        expect_equal({local(e) for e in found}, {"Many", "More"}, "classes")
    made, found = walk(by_https, TYPES + "Empty", enumerate_body(OPTIMIZE),
                       "")
    expect_equal((made, found), ([0], []), "a class without instances")


@test("sealed, a step is as large as a sealed body may be")
def _():
    with Sealed(gate, "http-small") as c:
        made, found = walk(lambda xml: sealed(c, xml), MANY + "Many",
                           enumerate_body(OPTIMIZE, at_most(60)),
                           at_most(60, "n"))
        expect_equal(len(found), 60, "the items")
        expect(len(made) > 2 and max(made) < 40, "the steps", made)
        sealed(c, envelope(GET, MANY + "One", selectors(N="1"))).fault(
            "w:EncodingLimit", 2150858805)
        sealed(c, envelope(ENUMERATE, MANY + "One", body=enumerate_body(
            OPTIMIZE))).fault("w:EncodingLimit", 2150858805)


@test("an answer keeps to MaxEnvelopeSize and MaxCharacters")
def _():
    def limited(xml, size):
        return by_https(xml.replace(b">153600<", b">%d<" % size))
    one = envelope(GET, MANY + "One", selectors(N="1"))
    limited(one, 16384).good()
    limited(one, 8192).fault("w:EncodingLimit", 2150858805)
    limited(one, 8191).fault("w:EncodingLimit", 2150858805)
    for wrong in (b"0", b"-1", b"x", b""):
        by_https(one.replace(b">153600<", b">%s<" % wrong)).fault(
            "w:SchemaValidationError", 2150858817)
    wide = plain(gate, "https", utf16(one.replace(b">153600<", b">16384<")),
                 "UTF-16")
    wide.fault("w:EncodingLimit", 2150858805)
    made, found = walk(
        lambda xml: limited(xml, 8192), MANY + "Many",
        enumerate_body(OPTIMIZE, at_most(60)), at_most(60, "n"))
    expect(len(found) == 60 and len(made) > 2, "the steps", made)
    made, found = walk(by_https, MANY + "Many", enumerate_body(),
                       at_most(60, "n")
                       + "<n:MaxCharacters>3000</n:MaxCharacters>")
    expect(len(found) == 60 and len(made) > 5, "the steps", made)


@test("endpoints alone, and objects with theirs, each of which leads there")
def _():
    def mode(name):
        return enumerate_body(OPTIMIZE, at_most(3), "<w:EnumerationMode>%s"
                              "</w:EnumerationMode>" % name)
    made, both = walk(by_https, MANY + "Many", mode("EnumerateObjectAndEPR"),
                      at_most(40, "n"))
    expect_equal(made, [3, 40, 17], "the steps")
    expect_equal({e.tag for e in both}, {"{%s}Item" % WSMAN}, "the items")
    made, alone = walk(by_https, MANY + "Many", mode("EnumerateEPR"),
                       at_most(40, "n"))
    expect_equal(made, [3, 40, 17], "the steps")
    for item, epr in list(zip(both, alone))[:4] + list(zip(
            both, alone))[-2:]:
        expect_equal(tree.tostring(item[1]), tree.tostring(epr), "the EPRs")
        uri = epr.find(".//{%s}ResourceURI" % WSMAN).text
        chosen = {e.get("Name"): e.text
                  for e in epr.iter("{%s}Selector" % WSMAN)}
        again = plain(gate, "https", envelope(GET, uri, selectors(**chosen)))
        expect_equal(values(again.good().body[0]), values(item[0]),
                     "the object")


@test("Release is answered, and keeps nothing")
def _():
    reply = by_https(envelope(ENUMERATE, MANY + "Many",
                              body=enumerate_body())).good()
    context = context_of(reply)
    release = envelope(RELEASE, MANY + "Many", body="<n:Release>"
                       "<n:EnumerationContext>%s</n:EnumerationContext>"
                       "</n:Release>" % context)
    for _ in range(2):
        expect_equal(by_https(release).good().action,
                     ENUMERATION + "/ReleaseResponse", "Action")


@test("what an enumeration cannot do it says, once it may be asked")
def _():
    wql = "<w:Filter Dialect='http://schemas.microsoft.com/wbem/wsman/1/WQL'>" \
        "SELECT * FROM Many</w:Filter>"
    context = ("n:InvalidEnumerationContext", 2150858779)
    rows = [
        (ENUMERATE, enumerate_body(wql), ("n:FilteringNotSupported",
                                          2150858776)),
        (ENUMERATE, enumerate_body("<n:Filter>x</n:Filter>"),
         ("n:FilteringNotSupported", 2150858776)),
        (ENUMERATE, enumerate_body("<w:EnumerationMode>All"
                                   "</w:EnumerationMode>"),
         ("w:UnsupportedFeature", 2150858818)),
        (ENUMERATE, enumerate_body("<b:PolymorphismMode>None"
                                   "</b:PolymorphismMode>"),
         ("b:PolymorphismModeNotSupported", 2150858818)),
        (ENUMERATE, enumerate_body("<n:EndTo/>"),
         ("w:UnsupportedFeature", 2150858818)),
        (PULL, "<n:Pull/>", context)]
    rows += [(PULL, pull_body(text), context) for text in (
        "", "x", "nsgate:0:x", "nsgate:3:1", "nsgate:0:", "nsgate:0:01",
        "NSGATE:0:1", "nsgate:0:99999999999999999999", "nsgate:0:-1")]
    for action, body, fault in rows:
        xml = envelope(action, MANY + "Many", body=body)
        plain(gate, "https", xml).fault(*fault)
        plain(gate, "http", xml).denied()  # and not before
    for headers, fault in (
            ("<w:FragmentTransfer s:mustUnderstand='true'>T"
             "</w:FragmentTransfer>", ("w:UnsupportedFeature", 2150858818)),
            ("<w:OptionSet><w:Option Name='x' MustComply='true'>1</w:Option>"
             "</w:OptionSet>", ("w:InvalidOptions", 2150858809))):
        xml = envelope(GET, MANY + "One", selectors(N="1") + headers)
        plain(gate, "https", xml).fault(*fault)
        plain(gate, "http", xml).denied()
    plain(gate, "https", envelope(
        GET, MANY + "One", selectors(N="1") + "<w:OptionSet><w:Option "
        "Name='x'>1</w:Option></w:OptionSet>")).good()
    plain(gate, "https", envelope(ENUMERATE, MANY + "Many", body=
                                  enumerate_body("<b:PolymorphismMode>"
                                                 "IncludeSubClassProperties"
                                                 "</b:PolymorphismMode>",
                                                 OPTIMIZE))).good()


@test("header and body have to be of one operation")
def _():
    schema = ("w:SchemaValidationError", 2150858817)
    for action, body in (
            (GET, "<x/>"), (GET, enumerate_body()), (ENUMERATE, ""),
            (ENUMERATE, pull_body("nsgate:0:0")), (PULL, enumerate_body()),
            (RELEASE, pull_body("nsgate:0:0")), (ENUMERATE, "<x/>"),
            (ENUMERATE, enumerate_body() * 2), (TRANSFER + "/Delete", "<x/>"),
            (TRANSFER + "/Put", enumerate_body()),
            (ENUMERATE, enumerate_body(at_most(1), at_most(1))),
            (ENUMERATE, enumerate_body(at_most(0))),
            (PULL, pull_body("nsgate:0:0", at_most(0, "n"))),
            (ENUMERATE, enumerate_body("<w:OptimizeEnumeration>x"
                                       "</w:OptimizeEnumeration>"))):
        plain(gate, "https", envelope(action, MANY + "Many", body=body)
              ).fault(*schema)


# -- under which policy ---------------------------------------------------------------

@test("each step of an enumeration is decided anew")
def _():
    resource = WMI + "root/Open/Open_Thing"
    reply = plain(gate, "http", envelope(
        ENUMERATE, resource, body=enumerate_body(OPTIMIZE))).good()
    more = envelope(PULL, resource, body=pull_body(context_of(reply)))
    plain(gate, "http", more).good()
    security = ('#pragma namespace("\\\\\\\\.\\\\root\\\\Open")\n'
                '[RequiresEncryption(%s)] instance of __SystemSecurity { };')
    gate.compile(security % "TRUE")
    plain(gate, "http", more).denied()
    plain(gate, "https", more).good()
    gate.compile(security % "FALSE")
    plain(gate, "http", more).good()


@test("a position of one namespace opens no other")
def _():
    reply = plain(gate, "http", envelope(
        ENUMERATE, WMI + "root/Open/Open_Thing", body=enumerate_body()))
    xml = envelope(PULL, WMI + "root/Secret/Secret_Thing",
                   body=pull_body(context_of(reply.good())))
    expect(CANARY not in plain(gate, "http", xml).denied().bytes, "a leak")
    expect(CANARY in plain(gate, "https", xml).good().bytes, "no canary")


main()
