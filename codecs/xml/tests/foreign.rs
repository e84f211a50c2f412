//! Documents of other programs: no marks, attributes, white space, repeated elements.

mod common;

use std::collections::BTreeMap;

use bulla_core::value::Value;
use serde::Deserialize;

use crate::common::{Blob, decode};

#[derive(Debug, PartialEq, Deserialize)]
struct Record {
    name: String,
    age: u8,
    height: f64,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    tag: Vec<String>,
    nickname: Option<String>,
}

/// What `xml.etree.ElementTree` of Python writes, indented by `ET.indent`.
const ELEMENT_TREE: &str = "<?xml version='1.0' encoding='utf8'?>
<record>
  <name>Ada \"&amp;\" Grace</name>
  <age>36</age>
  <tag>a</tag>
  <height> 1.65
  </height>
  <tag> b </tag>
  <active>1</active>
  <tag />
  <unknown><deep a=\"1\">x</deep>mixed</unknown>
</record>
";

#[test]
fn an_element_tree_of_python() {
    let record: Record = decode(ELEMENT_TREE).unwrap();
    let tag = ["a", " b ", ""].map(str::to_owned).to_vec();
    let name = "Ada \"&\" Grace".to_owned();
    assert_eq!(record, Record { name, age: 36, height: 1.65, active: true, tag, nickname: None });
}

#[test]
fn lists_without_a_mark() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Holder<T> {
        x: Vec<T>,
    }
    type Texts = Holder<String>;
    let texts = |document: &str| decode::<Texts>(document).map(|holder| holder.x);
    assert_eq!(texts("<a><x>1</x></a>"), Ok(vec!["1".into()]));
    assert_eq!(texts("<a><x>1</x><y/><x>2</x></a>"), Ok(vec!["1".into(), "2".into()]));
    assert_eq!(texts("<a><x><item>1</item><item>2</item></x></a>"), Ok(vec!["1".into(), "2".into()]));
    assert_eq!(texts("<a><x><item>1</item></x></a>"), Ok(vec!["1".into()]));
    assert_eq!(texts("<a><x>\n</x></a>"), Ok(vec![]));
    assert!(texts("<a/>").unwrap_err().to_string().contains("missing field"));
    assert_eq!(decode::<Holder<u8>>("<a><x>1</x><x> 2 </x></a>"), Ok(Holder { x: vec![1, 2] }));
    assert_eq!(
        decode::<Holder<BTreeMap<String, u8>>>("<a><x><b>1</b></x></a>"),
        Ok(Holder { x: vec![BTreeMap::from([("b".into(), 1)])] })
    );
    assert_eq!(
        decode::<Holder<(u8, u8)>>("<a><x><item>1</item><item>2</item></x><x><item>3</item><item>4</item></x></a>"),
        Ok(Holder { x: vec![(1, 2), (3, 4)] })
    );
    #[derive(Debug, PartialEq, Deserialize)]
    struct Maybe {
        x: Option<Vec<u8>>,
    }
    assert_eq!(decode::<Maybe>("<a><x>1</x><x>2</x></a>"), Ok(Maybe { x: Some(vec![1, 2]) }));
    assert_eq!(decode::<Maybe>("<a/>"), Ok(Maybe { x: None }));
}

#[test]
fn a_repeated_element_is_not_one_value() {
    let error = decode::<Record>("<r><name>a</name><name>b</name></r>").unwrap_err();
    assert!(error.to_string().contains("sequence"), "{error}");
    #[derive(Debug, Deserialize)]
    struct Two {
        #[expect(dead_code)]
        inner: Inner,
    }
    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(default)]
        #[expect(dead_code)]
        a: u8,
    }
    let error = decode::<Two>("<r><inner><a>1</a></inner><inner/></r>").unwrap_err();
    assert!(error.to_string().contains("the element inner is there 2 times"), "{error}");
}

#[test]
fn a_list_of_itself_ends() {
    #[derive(Debug, Deserialize)]
    struct Tree(#[expect(dead_code)] Vec<Tree>);
    assert!(decode::<Tree>("<a>x</a>").is_err());
    assert!(decode::<Tree>("<a><b/></a>").is_err());
    assert!(decode::<Tree>("<a><item/><item><item/></item></a>").is_ok());
}

#[test]
fn attributes_and_text() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Price {
        #[serde(rename = "@currency")]
        currency: Option<String>,
        #[serde(rename = "$text")]
        amount: f64,
    }
    let price = |document: &str| decode::<Price>(document);
    assert_eq!(price("<p currency='EUR'> 12.5 </p>"), Ok(Price { currency: Some("EUR".into()), amount: 12.5 }));
    assert_eq!(price("<p>12.5</p>"), Ok(Price { currency: None, amount: 12.5 }));
    assert!(price("<p/>").is_err());
    assert_eq!(decode::<f64>("<p currency='EUR'>12.5</p>"), Ok(12.5));
    assert_eq!(decode::<String>("<p currency='EUR'/>"), Ok(String::new()));
}

#[test]
fn attributes_beside_a_mark() {
    let value: Value = decode(r#"<p c="EUR" xsi:type="xs:double">12.5</p>"#).unwrap();
    assert_eq!(value.to_string(), r#"{"@c": "EUR", "$text": 12.5}"#);
    let value: Value = decode(r#"<p why="unknown" xsi:nil="true"/>"#).unwrap();
    assert_eq!(value.to_string(), r#"{"@why": "unknown", "$text": null}"#);
    assert_eq!(decode::<f64>(r#"<p c="EUR" xsi:type="xs:double">12.5</p>"#), Ok(12.5));
    assert_eq!(decode::<Option<f64>>(r#"<p why="unknown" xsi:nil="true"/>"#), Ok(None));
    assert_eq!(decode::<Vec<u8>>(r#"<p n="1" xsi:type="bulla:list"><item>1</item></p>"#), Ok(vec![1]));
    assert!(decode::<Value>(r#"<p n="1" xsi:type="bulla:list"><item>1</item></p>"#).is_err());
}

#[test]
fn a_text_of_itself_ends() {
    #[derive(Debug, Deserialize)]
    struct Text {
        #[serde(rename = "$text")]
        #[expect(dead_code)]
        text: Option<Box<Text>>,
    }
    assert!(decode::<Text>("<a>x</a>").is_err());
    assert!(decode::<Text>("<a b='c'>x</a>").is_err());
}

#[test]
fn scalars_with_white_space() {
    assert_eq!(decode::<u8>("<a>\n\t 7 \r\n</a>"), Ok(7));
    assert_eq!(decode::<i8>("<a>+7</a>"), Ok(7));
    assert_eq!(decode::<i8>("<a>-007</a>"), Ok(-7));
    assert_eq!(decode::<f32>("<a> INF </a>"), Ok(f32::INFINITY));
    assert_eq!(decode::<bool>("<a> true </a>"), Ok(true));
    assert_eq!(decode::<Blob>("<a> AA\nEC </a>"), Ok(Blob(vec![0, 1, 2])));
    assert_eq!(decode::<String>("<a> x </a>"), Ok(" x ".into()));
    assert_eq!(decode::<()>("<a> </a>"), Ok(()));
    assert_eq!(decode::<char>("<a> </a>"), Ok(' '));
    for bad in ["<a/>", "<a>x</a>", "<a>1 2</a>", "<a>1.0</a>", "<a>1e3</a>", "<a>256</a>", "<a><b>1</b></a>"] {
        assert!(decode::<u8>(bad).is_err(), "{bad}");
    }
    assert!(decode::<f64>("<a>1e999</a>").is_err());
    assert!(decode::<bool>("<a>yes</a>").is_err());
}

#[test]
fn text_is_one_piece_however_it_is_written() {
    let document = "<a>x<!-- c -->y<![CDATA[<&>]]>z&#x41;&lt;<?p i?>\r\n\r!</a>";
    assert_eq!(decode::<String>(document), Ok("xy<&>zA<\n\n!".into()));
    assert_eq!(decode::<Value>(document), Ok("xy<&>zA<\n\n!".into()));
}

#[test]
fn schema_types_and_nil_under_any_prefix() {
    let document = r#"<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:t="http://www.w3.org/2001/XMLSchema"
        i:schemaLocation="urn:x x.xsd"><b i:nil="true"/><c i:type="t:unsignedByte">5</c><d i:type="t:date">2024-02-29</d>
        <e i:type="t:hexBinary">00ff</e><f i:type="t:string">1</f><g i:nil="false">x</g></a>"#;
    let value: Value = decode(document).unwrap();
    assert_eq!(
        value,
        Value::Map(
            [
                ("b", Value::Null),
                ("c", 5.into()),
                ("d", "2024-02-29".into()),
                ("e", Value::Bytes(vec![0, 255])),
                ("f", "1".into()),
                ("g", "x".into()),
            ]
            .into_iter()
            .collect()
        )
    );
    // Another namespace under the usual prefix means nothing.
    let value: Value = decode(r#"<a xmlns:xsi="urn:other" xsi:nil="true">x</a>"#).unwrap();
    assert_eq!(value.to_string(), r#"{"@xsi:nil": "true", "$text": "x"}"#);
    // A program that forgot the declaration is understood.
    assert_eq!(decode::<Option<u8>>(r#"<a xsi:nil="true"/>"#), Ok(None));
    assert_eq!(decode::<Value>(r#"<a xsi:type="xsd:int">5</a>"#), Ok(5.into()));
}

#[test]
fn marks_that_contradict_the_content_are_refused() {
    for bad in [
        r#"<a xsi:nil="true">x</a>"#,
        r#"<a xsi:nil="true"><b/></a>"#,
        r#"<a xsi:nil="maybe"/>"#,
        r#"<a xsi:type="xs:integer"/>"#,
        r#"<a xsi:type="xs:integer">1<b/></a>"#,
        r#"<a xsi:type="xs:boolean">2</a>"#,
        r#"<a xsi:type="xs:base64Binary">*</a>"#,
        r#"<a xsi:type="xs:hexBinary">0</a>"#,
        r#"<a xsi:type="bulla:unknown">1</a>"#,
        r#"<a xsi:type="bulla:escaped">\x</a>"#,
        r#"<a xsi:type="bulla:nan">0000000000000000</a>"#,
        r#"<a xsi:type="bulla:nan">fff</a>"#,
        r#"<a xsi:type="bulla:list">text<item/></a>"#,
        r#"<a xsi:type="bulla:map">text<item/></a>"#,
        r#"<a xsi:type="bulla:some"/>"#,
        r#"<a xsi:type="bulla:some"><b/><c/></a>"#,
        r#"<a><bulla:entry/></a>"#,
        r#"<a><bulla:entry><key/></bulla:entry></a>"#,
        r#"<a><bulla:entry><key/><value/><more/></bulla:entry></a>"#,
        r#"<a><bulla:entry>text<key/><value/></bulla:entry></a>"#,
    ] {
        assert!(decode::<Value>(bad).is_err(), "{bad}");
    }
}

#[test]
fn mixed_content_is_refused_unless_it_is_skipped() {
    let document = "<r><p>Hello <b>world</b></p><n>1</n></r>";
    let error = decode::<Value>(document).unwrap_err();
    assert!(error.to_string().contains("the element p mixes text and elements"), "{error}");
    #[derive(Debug, PartialEq, Deserialize)]
    struct Number {
        n: u8,
    }
    assert_eq!(decode::<Number>(document), Ok(Number { n: 1 }));
}

#[test]
fn variants() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Shape {
        Dot,
        Circle(f64),
        Rect { width: u8 },
    }
    assert_eq!(decode::<Shape>("<s> dot\n</s>"), Ok(Shape::Dot));
    assert_eq!(decode::<Shape>("<s>\n<dot/>\n</s>"), Ok(Shape::Dot));
    assert_eq!(decode::<Shape>("<s><circle>1.5</circle></s>"), Ok(Shape::Circle(1.5)));
    assert_eq!(decode::<Shape>("<s><rect><width>1</width></rect></s>"), Ok(Shape::Rect { width: 1 }));
    let marked = r#"<s xsi:type="bulla:map"><rect xsi:type="bulla:map"><width>1</width></rect></s>"#;
    assert_eq!(decode::<Shape>(marked), Ok(Shape::Rect { width: 1 }));
    for bad in ["<s/>", "<s>x</s>", "<s>circle</s>", "<s><dot>1</dot></s>", "<s><dot/><dot/></s>", "<s>x<dot/></s>"] {
        assert!(decode::<Shape>(bad).is_err(), "{bad}");
    }
}

#[test]
fn keys_of_other_types() {
    assert_eq!(
        decode::<BTreeMap<bool, u8>>("<a><true>1</true><false>0</false></a>"),
        Ok(BTreeMap::from([(true, 1), (false, 0)]))
    );
    assert_eq!(
        decode::<BTreeMap<u8, u8>>(r#"<a><bulla:entry key="1">2</bulla:entry></a>"#),
        Ok(BTreeMap::from([(1, 2)]))
    );
    assert!(decode::<BTreeMap<String, String>>("<a>text</a>").is_err());
}

#[test]
fn soap_keeps_its_prefixes() {
    let document = r#"<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:x">
  <soap:Body xml:lang="en"><Add><a>1</a><a>2</a></Add></soap:Body>
</soap:Envelope>"#;
    let value: Value = decode(document).unwrap();
    assert_eq!(value.to_string(), r#"{"soap:Body": {"@xml:lang": "en", "Add": {"a": ["1", "2"]}}}"#);
}

#[test]
fn many_names_are_grouped_as_few_are() {
    let names: Vec<String> = (0..200).map(|n| format!("n{}", n % 100)).collect();
    let children: String = names.iter().enumerate().map(|(n, name)| format!("<{name}>{n}</{name}>")).collect();
    let value: BTreeMap<String, Vec<u32>> = decode(&format!("<a>{children}</a>")).unwrap();
    assert_eq!(value.len(), 100);
    assert!((0..100).all(|n| value[&format!("n{n}")] == [n, n + 100]));
}
