//! Documents written by hand, compared byte by byte with what is written.

mod common;

use std::collections::BTreeMap;

use bulla_core::value::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::common::{Blob, assert_exact, decode, encode};

const XSI: &str = " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
const XS: &str = " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"";
const BULLA: &str = " xmlns:bulla=\"urn:bulla:xml\"";

/// `document` is written for `value` and reads as it. In it, `{xsi}`, `{xs}` and `{bulla}` stand for the declarations.
#[track_caller]
fn assert_golden<T>(value: &T, document: &str)
where
    T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let expected = document.replace("{xsi}", XSI).replace("{xs}", XS).replace("{bulla}", BULLA);
    assert_eq!(encode(value), expected);
    assert_eq!(decode::<T>(&expected).as_ref(), Ok(value));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    first_name: String,
    last_name: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Dot,
    Circle(f32),
    Line(i8, i8),
    Box { width: u8 },
}

#[test]
fn a_struct_of_strings_is_plain_xml() {
    let ada = Person { first_name: "Ada & Co".into(), last_name: "\r<]]>".into() };
    assert_golden(&ada, "<Person><first_name>Ada &amp; Co</first_name><last_name>&#13;&lt;]]&gt;</last_name></Person>");
}

#[test]
fn scalars() {
    assert_golden(&"text".to_owned(), "<value>text</value>");
    assert_golden(&String::new(), "<value/>");
    assert_golden(&'c', "<value>c</value>");
    assert_golden(&"a\0\\".to_owned(), r#"<value{xsi}{bulla} xsi:type="bulla:escaped">a\u0000\\</value>"#);
    assert_golden(&true, r#"<value{xsi}{xs} xsi:type="xs:boolean">true</value>"#);
    assert_golden(&-36_i8, r#"<value{xsi}{xs} xsi:type="xs:integer">-36</value>"#);
    assert_golden(&1e300, r#"<value{xsi}{xs} xsi:type="xs:double">1e300</value>"#);
    assert_golden(&1.5_f32, r#"<value{xsi}{xs} xsi:type="xs:float">1.5</value>"#);
    assert_golden(&f64::NEG_INFINITY, r#"<value{xsi}{xs} xsi:type="xs:double">-INF</value>"#);
    assert_golden(&Value::Float(-f64::NAN), r#"<value{xsi}{bulla} xsi:type="bulla:nan">fff8000000000000</value>"#);
    assert_golden(&Blob(vec![0, 1, 2]), r#"<value{xsi}{xs} xsi:type="xs:base64Binary">AAEC</value>"#);
    assert_golden(&(), r#"<value{xsi} xsi:nil="true"/>"#);
}

#[test]
fn options() {
    assert_golden(&Some("a".to_owned()), "<value>a</value>");
    assert_golden(&None::<u8>, r#"<value{xsi} xsi:nil="true"/>"#);
    assert_golden(&Some(None::<u8>), r#"<value{xsi}{bulla} xsi:type="bulla:some"><value xsi:nil="true"/></value>"#);
    assert_golden(
        &Some(Some(())),
        r#"<value{xsi}{bulla} xsi:type="bulla:some"><value xsi:type="bulla:some"><value xsi:nil="true"/></value></value>"#,
    );
}

#[test]
fn lists() {
    assert_golden(&Vec::<u8>::new(), r#"<value{xsi}{bulla} xsi:type="bulla:list"/>"#);
    assert_golden(
        &("a".to_owned(), [1]),
        concat!(
            r#"<value{xsi}{xs}{bulla} xsi:type="bulla:list"><item>a</item>"#,
            r#"<item xsi:type="bulla:list"><item xsi:type="xs:integer">1</item></item></value>"#
        ),
    );
}

#[test]
fn maps() {
    assert_golden(&BTreeMap::<u8, u8>::new(), r#"<value{xsi}{bulla} xsi:type="bulla:map"/>"#);
    let names = ["a", "first name", "tab\t\"", "\0"].map(|name| (name.to_owned(), name.to_owned()));
    let names: Map = names.into_iter().collect();
    assert_golden(
        &names,
        concat!(
            r#"<value{xsi}{bulla}><a>a</a><bulla:entry key="first name">first name</bulla:entry>"#,
            "<bulla:entry key=\"tab&#9;&quot;\">tab\t\"</bulla:entry>",
            r#"<bulla:entry><key xsi:type="bulla:escaped">\u0000</key>"#,
            r#"<value xsi:type="bulla:escaped">\u0000</value></bulla:entry></value>"#
        ),
    );
    assert_golden(
        &BTreeMap::from([(1, 'a')]),
        r#"<value{xsi}{xs}{bulla}><bulla:entry><key xsi:type="xs:integer">1</key><value>a</value></bulla:entry></value>"#,
    );
    let twice: Map = [("a", "1"), ("a", "2")].into_iter().collect();
    assert_golden(&twice, r#"<value{bulla}><a>1</a><bulla:entry key="a">2</bulla:entry></value>"#);
}

#[test]
fn variants() {
    assert_golden(&Shape::Dot, "<Shape>Dot</Shape>");
    assert_golden(&Shape::Circle(0.5), r#"<Shape{xsi}{xs}><Circle xsi:type="xs:float">0.5</Circle></Shape>"#);
    assert_golden(
        &Shape::Line(1, 2),
        concat!(
            r#"<Shape{xsi}{xs}{bulla}><Line xsi:type="bulla:list"><item xsi:type="xs:integer">1</item>"#,
            r#"<item xsi:type="xs:integer">2</item></Line></Shape>"#
        ),
    );
    assert_golden(
        &Shape::Box { width: 1 },
        r#"<Shape{xsi}{xs}><Box><width xsi:type="xs:integer">1</width></Box></Shape>"#,
    );
}

#[test]
fn the_root_is_named_for_the_first_type_whose_name_will_do() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapper(Option<Person>);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "no name")]
    struct Odd(Wrapper);
    assert_golden(&Odd(Wrapper(None)), r#"<Wrapper{xsi} xsi:nil="true"/>"#);
    assert_golden(&Value::from("a"), "<value>a</value>");
    assert_golden(&vec![Shape::Dot], r#"<value{xsi}{bulla} xsi:type="bulla:list"><item>Dot</item></value>"#);
}

#[test]
fn appends_and_declares_in_its_own_root() {
    let mut out = b"<before/>".to_vec();
    bulla_core::codec::Codec::encode(&bulla_codec_xml::XML, &(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), format!("<before/><value{XSI} xsi:nil=\"true\"/>"));
}

#[test]
fn a_failed_encode_leaves_nothing() {
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it will not"))
        }
    }
    let codec: &dyn bulla_core::codec::ErasedCodec = &bulla_codec_xml::XML;
    let mut out = b"before".to_vec();
    let error = codec.encode(&("a", Fails), 64, &mut out).unwrap_err();
    assert_eq!((error.to_string().as_str(), out.as_slice()), ("it will not", b"before".as_slice()));
    let error = codec.encode_to_vec(&BTreeMap::from([("a", Fails)])).unwrap_err();
    assert_eq!(error.to_string(), "it will not");
}

#[test]
fn a_key_that_fails_says_so() {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it will not"))
        }
    }
    let codec: &dyn bulla_core::codec::ErasedCodec = &bulla_codec_xml::XML;
    assert_eq!(codec.encode_to_vec(&BTreeMap::from([(Fails, 1)])).unwrap_err().to_string(), "it will not");
}

#[test]
fn own_documents_can_be_laid_out_by_hand() {
    let document = r#"<?xml version="1.0"?>
<Person xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:b="urn:bulla:xml">
  <list i:type="b:list">
    <item i:nil="1"></item>
    <anything> a </anything>
  </list>
  <b:entry key="two words"><x/></b:entry>
  <b:entry>
    <key i:type="xsd:int"> 7 </key>
    <value i:type="b:some"> <any i:nil="true"> </any> </value>
  </b:entry>
</Person>"#;
    let value: Value = decode(document).unwrap();
    assert_eq!(value.to_string(), r#"{"list": [null, " a "], "two words": {"x": ""}, 7: null}"#);
    assert_exact(&value);
}
