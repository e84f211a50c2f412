//! The conformance suite, one test for each property.

bulla_codec_testkit::conformance!(bulla_codec_smile::Smile);
