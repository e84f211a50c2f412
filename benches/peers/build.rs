//! Writes the service of the gRPC peer: no protoc is needed for two methods.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let method = |name: &str, route: &str| {
        Method::builder()
            .name(name)
            .route_name(route)
            .input_type("crate::peers::grpc::Message")
            .output_type("crate::peers::grpc::Message")
            .codec_path("tonic_prost::ProstCodec")
    };
    let service = Service::builder()
        .name("Echo")
        .package("peers")
        .method(method("unary", "Unary").build())
        .method(method("stream", "Stream").client_streaming().server_streaming().build())
        .build();
    Builder::new().compile(&[service]);
    println!("cargo:rerun-if-changed=build.rs");
}
