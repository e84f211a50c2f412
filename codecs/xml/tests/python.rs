//! A peer in Python: its module `xml.etree`, and some lines that know the marks. Skipped where there is no `python3`.

use bulla_codec_testkit::python::{Peer, run};
use bulla_codec_xml::XML;
use bulla_core::codec::guard;
use bulla_core::value::{Map, Value};

/// Written from the crate's page alone.
const MARKS: &str = r"
import base64, re, struct
XSI, XS, BULLA = 'http://www.w3.org/2001/XMLSchema-instance', 'http://www.w3.org/2001/XMLSchema', 'urn:bulla:xml'
PREFIXES = {'xs': XS, 'bulla': BULLA}
TYPE, NIL, ENTRY = f'{{{XSI}}}type', f'{{{XSI}}}nil', f'{{{BULLA}}}entry'
NAME = re.compile(r'(?!xml)[A-Za-z_][A-Za-z0-9_.-]*\Z', re.IGNORECASE)
UNFIT = re.compile('[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')

def loads(message):
    return read(xml.etree.ElementTree.fromstring(message))

def read(element):
    text, mark = element.text or '', element.get(TYPE)
    if element.get(NIL) == 'true':
        return None
    if mark is None:
        return read_map(element) if len(element) else text
    return READ[mark](element) if mark in ('bulla:list', 'bulla:map') else READ[mark](text)

def read_map(element):
    return dict(read_entry(entry) if entry.tag == ENTRY else (entry.tag, read(entry)) for entry in element)

def read_entry(entry):
    if entry.get('key') is None:
        return read(entry[0]), read(entry[1])
    key = entry.get('key')
    del entry.attrib['key']
    return key, read(entry)

def read_escaped(text):
    return re.sub(r'\\(\\|u([0-9A-Fa-f]{4}))', lambda found: chr(int(found[2], 16)) if found[2] else '\\', text)

READ = {
    'xs:boolean': lambda text: text == 'true',
    'xs:integer': int,
    'xs:double': lambda text: float(text.replace('INF', 'inf')),
    'xs:float': lambda text: float(text.replace('INF', 'inf')),
    'xs:base64Binary': base64.b64decode,
    'bulla:escaped': read_escaped,
    'bulla:list': lambda element: list(map(read, element)),
    'bulla:map': read_map,
}

def dumps(value):
    root = xml.etree.ElementTree.Element('value', {'xmlns:xsi': XSI, 'xmlns:xs': XS, 'xmlns:bulla': BULLA})
    write(root, value)
    return xml.etree.ElementTree.tostring(root, encoding=ENCODING)

def write(element, value):
    if value is None:
        element.set('xsi:nil', 'true')
    elif isinstance(value, str):
        write_text(element, value)
    elif isinstance(value, (list, dict)):
        write_all(element, value)
    else:
        element.set('xsi:type', MARK[type(value)])
        element.text = WRITE[type(value)](value)

def write_text(element, text):
    element.text = text
    if UNFIT.search(text):
        element.set('xsi:type', 'bulla:escaped')
        element.text = UNFIT.sub(lambda found: f'\\u{ord(found[0]):04x}', text.replace('\\', '\\\\'))

def write_all(element, value):
    element.set('xsi:type', 'bulla:list' if isinstance(value, list) else 'bulla:map')
    if isinstance(value, list):
        for item in value:
            write(xml.etree.ElementTree.SubElement(element, 'item'), item)
        return
    for key, item in value.items():
        if isinstance(key, str) and NAME.match(key):
            write(xml.etree.ElementTree.SubElement(element, key), item)
        elif isinstance(key, str) and not UNFIT.search(key):
            write(xml.etree.ElementTree.SubElement(element, 'bulla:entry', {'key': key}), item)
        else:
            entry = xml.etree.ElementTree.SubElement(element, 'bulla:entry')
            write(xml.etree.ElementTree.SubElement(entry, 'key'), key)
            write(xml.etree.ElementTree.SubElement(entry, 'value'), item)

MARK = {bool: 'xs:boolean', int: 'xs:integer', float: 'xs:double', bytes: 'xs:base64Binary'}
WRITE = {
    bool: lambda value: 'true' if value else 'false',
    int: str,
    float: lambda value: repr(value).replace('inf', 'INF').replace('nan', 'NaN'),
    bytes: lambda value: base64.b64encode(value).decode(),
}
";

/// Python's parser is of the fourth edition, which has fewer names than the fifth.
#[test]
fn python_takes_our_names_for_names() {
    let keys = || ('\0'..'\u{20000}').flat_map(|c| [String::from(c), format!("a{c}")]);
    let mut bytes = Vec::new();
    let all: Map = keys().map(|key| (key, Value::Null)).collect();
    guard::encode(&XML, &Value::from(all), 64, &mut bytes).expect("XML carries it");
    let script = format!(
        "{MARKS}\n\
         found = loads(sys.stdin.buffer.read())\n\
         characters = [chr(number) for number in range(0x20000) if not 0xd800 <= number < 0xe000]\n\
         assert list(found) == [key for one in characters for key in (one, 'a' + one)]"
    );
    assert!(run(&["xml.etree.ElementTree"], &script, &bytes).is_none_or(|output| output.is_empty()));
}

#[test]
fn python_reads_ours_and_we_read_python() {
    for encoding in ["us-ascii", "utf-8"] {
        let script = format!("ENCODING = '{encoding}'\n{MARKS}");
        Peer { modules: &["xml.etree.ElementTree"], script: &script }.exchange(&XML);
    }
}
