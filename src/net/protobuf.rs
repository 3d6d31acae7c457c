//! What messages of gRPC look like: from `.proto` files, from what a server tells of itself, or ours.
//!
//! Pure but for reading files. JSON goes in and comes out, as Protocol Buffers map it, with defaults written out and whole
//! numbers of 64 bits as numbers. Does not send anything.

use crate::document::diagnostic::nearest;
use bytes::Bytes;
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::{FileDescriptorProto, FileDescriptorSet};
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MethodDescriptor, SerializeOptions,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::OnceLock;

/// Files over which imports may lead: far more than anybody writes.
const IMPORTS_DEEP_MAX: usize = 100;

/// Health as servers of gRPC tell it.
pub const HEALTH: &str = "grpc.health.v1.Health/Check";
/// How servers tell of themselves, the newest first.
pub const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

macro_rules! reflection {
    ($package:literal) => {
        concat!(
            "syntax = \"proto3\"; package ",
            $package,
            r#";
message ServerReflectionRequest {
  oneof message_request { string file_by_filename = 3; string file_containing_symbol = 4; string list_services = 7; }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ServiceResponse { string name = 1; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ErrorResponse { int32 error_code = 1; string error_message = 2; }
message ServerReflectionResponse {
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
}
service ServerReflection { rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse); }"#
        )
    };
}
/// The parts of the two services that we ask for.
const OWN: [(&str, &str); 3] = [
    (
        "health.proto",
        r#"syntax = "proto3"; package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}
service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }"#,
    ),
    ("reflection.proto", reflection!("grpc.reflection.v1")),
    (
        "reflection_alpha.proto",
        reflection!("grpc.reflection.v1alpha"),
    ),
];

/// What is known of services and their messages.
#[derive(Debug, Clone)]
pub struct Schema(DescriptorPool);

/// A call that can be made: its path, and what goes in and comes out.
#[derive(Debug, Clone)]
pub struct Call(MethodDescriptor);

impl Schema {
    /// Of `.proto` files, which are looked for, and import each other, from these folders.
    ///
    /// # Errors
    /// What is wrong, with file, line and column where they are known.
    pub fn of_files(folders: &[&Path], files: &[&str]) -> Result<Schema, String> {
        let found = protox::compile(files, folders).map_err(|error| format!("{error:?}"))?;
        Schema::of_set(found)
    }

    /// Of a set of descriptions, as `protoc --descriptor_set_out` writes it.
    ///
    /// # Errors
    /// It is none, or not whole.
    pub fn of_descriptions(bytes: &[u8]) -> Result<Schema, String> {
        let set = FileDescriptorSet::decode(bytes).map_err(|error| error.to_string())?;
        Schema::of_set(set)
    }

    /// Health and reflection.
    pub fn own() -> &'static Schema {
        static OWN_SCHEMA: OnceLock<Schema> = OnceLock::new();
        OWN_SCHEMA.get_or_init(|| {
            let files = OWN.map(|(name, text)| {
                protox_parse::parse(name, text).expect("our own descriptions can be read")
            });
            let pool =
                DescriptorPool::from_file_descriptor_set(FileDescriptorSet { file: files.into() });
            Schema(pool.expect("our own descriptions are whole"))
        })
    }

    /// Of the files that a server tells of itself.
    ///
    /// # Errors
    /// They are not whole, or contradict each other.
    pub fn of_told(files: Vec<Told>) -> Result<Schema, String> {
        let file = files.into_iter().map(|told| told.0).collect();
        Schema::of_set(FileDescriptorSet { file })
    }

    fn of_set(set: FileDescriptorSet) -> Result<Schema, String> {
        for file in &set.file {
            let syntax = file.syntax.as_deref().unwrap_or("proto2");
            if !["proto2", "proto3"].contains(&syntax) {
                let name = file.name();
                return Err(format!(
                    "`{name}` is written in `{syntax}`; only proto2 and proto3 are understood"
                ));
            }
        }
        end_somewhere(&set.file)?;
        // Whoever describes himself may lie, and the library is not ready for every lie: it tells some of them by a panic.
        let built = std::panic::catch_unwind(|| Schema::built(set));
        built.unwrap_or_else(|_| Err("what is described contradicts itself".to_owned()))
    }

    fn built(set: FileDescriptorSet) -> Result<Schema, String> {
        let mut pool = DescriptorPool::global();
        let known: Vec<String> = pool.files().map(|file| file.name().to_owned()).collect();
        let files = set.file.into_iter();
        let new = files.filter(|file| !known.iter().any(|name| name == file.name()));
        pool.add_file_descriptor_protos(new)
            .map_err(|error| error.to_string())?;
        Ok(Schema(pool))
    }

    /// The call with a name such as `shop.v1.Orders/Get`.
    ///
    /// # Errors
    /// There is none, and what is near.
    pub fn call(&self, name: &str) -> Result<Call, String> {
        let (service, method) = split(name);
        let services = || self.0.services().map(|one| one.full_name().to_owned());
        let Some(found) = self.0.get_service_by_name(service) else {
            let all: Vec<String> = services().collect();
            let near = nearest(service, all.iter().map(String::as_str));
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(format!("there is no service `{service}`{hint}"));
        };
        let methods: Vec<MethodDescriptor> = found.methods().collect();
        if let Some(known) = methods.iter().find(|known| known.name() == method) {
            return Ok(Call(known.clone()));
        }
        let names = methods.iter().map(MethodDescriptor::name);
        let names: Vec<&str> = names.collect();
        Err(format!(
            "`{service}` has no call `{method}`; it has {}",
            names.join(", ")
        ))
    }
}

/// The service and the method of a call's name.
pub fn split(name: &str) -> (&str, &str) {
    let name = name.strip_prefix('/').unwrap_or(name);
    name.rsplit_once('/').unwrap_or((name, ""))
}

/// A file that a server tells of.
#[derive(Debug, Clone)]
pub struct Told(FileDescriptorProto);

impl Told {
    /// # Errors
    /// It is no description of a file.
    pub fn read(bytes: &[u8]) -> Result<Told, String> {
        let read = FileDescriptorProto::decode(bytes);
        read.map(Told).map_err(|error| error.to_string())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Names of files that it needs.
    pub fn needs(&self) -> &[String] {
        &self.0.dependency
    }
}

impl Call {
    /// The path of its requests.
    pub fn path(&self) -> String {
        let service = self.0.parent_service().full_name();
        format!("/{service}/{}", self.0.name())
    }

    /// Whether it takes any number of messages.
    pub fn takes_many(&self) -> bool {
        self.0.is_client_streaming()
    }

    /// Whether it gives any number of messages.
    pub fn gives_many(&self) -> bool {
        self.0.is_server_streaming()
    }

    /// A message as it is sent.
    ///
    /// # Errors
    /// It has no such field, or a field is of another kind.
    pub fn encode(&self, message: &Value) -> Result<Bytes, String> {
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let made = DynamicMessage::deserialize_with_options(self.0.input(), message, &options);
        let made = made.map_err(|error| format!("`{}`: {error}", self.0.input().full_name()))?;
        Ok(made.encode_to_vec().into())
    }

    /// A message that came.
    ///
    /// # Errors
    /// It is none of this call's.
    pub fn decode(&self, message: Bytes) -> Result<Value, String> {
        let options = SerializeOptions::new()
            .skip_default_fields(false)
            .stringify_64_bit_integers(false);
        let name = self.0.output().full_name().to_owned();
        let read = DynamicMessage::decode(self.0.output(), message);
        let read = read.map_err(|error| format!("it is no `{name}`: {error}"))?;
        let shown = read.serialize_with_options(serde_json::value::Serializer, &options);
        shown.map_err(|error| format!("a `{name}` has no form as JSON: {error}"))
    }
}

/// Whether imports lead to an end, and not over too many files: the library follows them as deep as they go.
fn end_somewhere(files: &[FileDescriptorProto]) -> Result<(), String> {
    let mut imports: HashMap<&str, Vec<&str>> = HashMap::new();
    for file in files {
        let of_file = file.dependency.iter().map(String::as_str);
        imports.entry(file.name()).or_default().extend(of_file);
    }
    let mut depths: HashMap<&str, usize> = HashMap::new();
    for file in imports.keys() {
        if depths.contains_key(file) {
            continue;
        }
        // The files on the way, each with those of its imports that are left.
        let mut way: Vec<(&str, &[&str])> = vec![(file, imports[file].as_slice())];
        let mut on_way: HashSet<&str> = HashSet::from([*file]);
        while let Some((name, left)) = way.last_mut() {
            let Some((next, rest)) = left.split_first() else {
                let below = imports[name].iter().filter_map(|import| depths.get(import));
                depths.insert(name, below.max().unwrap_or(&0) + 1);
                on_way.remove(name);
                way.pop();
                continue;
            };
            *left = rest;
            if on_way.contains(next) {
                return Err(format!("`{next}` imports itself, over others or at once"));
            }
            let depth = way.len() + depths.get(next).unwrap_or(&0);
            if depth > IMPORTS_DEEP_MAX {
                return Err(format!(
                    "imports are more than {IMPORTS_DEEP_MAX} files deep"
                ));
            }
            if let Some(of_next) = imports.get(next).filter(|_| !depths.contains_key(next)) {
                way.push((next, of_next));
                on_way.insert(next);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SHOP: &str = r#"syntax = "proto3"; package shop.v1;
import "google/protobuf/timestamp.proto";
message Order { string id = 1; int64 total = 2; google.protobuf.Timestamp at = 3; repeated string tags = 4; }
message Wanted { string id = 1; uint64 most = 2; }
service Orders { rpc Get(Wanted) returns (Order); rpc Watch(stream Wanted) returns (stream Order); }"#;

    fn shop(text: &str) -> Result<Schema, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop.proto"), text).unwrap();
        Schema::of_files(&[folder.path()], &["shop.proto"])
    }

    #[test]
    fn messages_are_json_on_both_sides() {
        let schema = shop(SHOP).unwrap();
        let get = schema.call("shop.v1.Orders/Get").unwrap();
        assert_eq!(get.path(), "/shop.v1.Orders/Get");
        assert!(!get.takes_many());
        assert!(schema.call("/shop.v1.Orders/Watch").unwrap().takes_many());
        let sent = get.encode(&json!({"id": "a1", "most": u64::MAX})).unwrap();
        assert_eq!(sent.len(), 4 + 11);
        // total = 9007199254740993, more than a double holds.
        let came = Bytes::from_static(&[
            0x0a, 1, b'x', 0x10, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10,
        ]);
        let read = get.decode(came).unwrap();
        assert_eq!(read["total"], json!(9_007_199_254_740_993_u64));
        assert_eq!(read["tags"], json!([]), "defaults are there to be checked");
        assert!(get.decode(Bytes::from_static(&[0x0a, 9, 1])).is_err());
    }

    #[test]
    fn mistakes_are_told_with_what_is_near() {
        let schema = shop(SHOP).unwrap();
        for (name, said) in [
            ("shop.v1.Order/Get", "did you mean `shop.v1.Orders`?"),
            ("shop.v1.Orders/Fetch", "it has Get, Watch"),
            ("shop.v1.Orders", "it has Get, Watch"),
        ] {
            let error = schema.call(name).unwrap_err();
            assert!(error.contains(said), "{name}: {error}");
        }
        let get = schema.call("shop.v1.Orders/Get").unwrap();
        for wrong in [
            json!({"idd": "1"}),
            json!({"id": 5}),
            json!("text"),
            json!(null),
        ] {
            assert!(get.encode(&wrong).is_err(), "{wrong}");
        }
        let error = shop("syntax = \"proto3\";\nmessage A { strin id = 1; }").unwrap_err();
        assert!(error.contains("shop.proto:2"), "{error}");
        assert!(shop("import \"nowhere.proto\";").is_err());
    }

    #[test]
    fn imports_must_lead_to_an_end() {
        let of = |imports: &[(&str, &[&str])]| {
            let file = |(name, imports): &(&str, &[&str])| FileDescriptorProto {
                name: Some((*name).to_owned()),
                dependency: imports.iter().map(|import| (*import).to_owned()).collect(),
                public_dependency: (0..imports.len() as i32).collect(),
                ..FileDescriptorProto::default()
            };
            let file = imports.iter().map(file).collect();
            Schema::of_set(FileDescriptorSet { file }).map(|_| ())
        };
        assert!(of(&[("", &[""])]).unwrap_err().contains("imports itself"));
        let circle = of(&[("a", &["b"]), ("b", &["c"]), ("c", &["d", "a"]), ("d", &[])]);
        assert!(circle.unwrap_err().contains("imports itself"));
        // What is imported twice is no circle.
        of(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])]).unwrap();
        let names: Vec<String> = (0..5_000).map(|number| number.to_string()).collect();
        let chain = |length: usize| {
            let files = (0..length).map(|at| FileDescriptorProto {
                name: Some(names[at].clone()),
                dependency: names[at + 1..length].first().cloned().into_iter().collect(),
                ..FileDescriptorProto::default()
            });
            Schema::of_set(FileDescriptorSet {
                file: files.collect(),
            })
            .map(|_| ())
        };
        chain(IMPORTS_DEEP_MAX).unwrap();
        let deep = chain(5_000).unwrap_err();
        assert!(deep.contains("files deep"), "{deep}");
    }

    #[test]
    fn what_a_server_tells_is_put_together() {
        let schema = Schema::own();
        assert_eq!(
            schema.call(HEALTH).unwrap().path(),
            "/grpc.health.v1.Health/Check"
        );
        for name in REFLECTION {
            assert!(schema.call(name).unwrap().takes_many());
        }
        assert!(Told::read(b"\xff\xff").is_err());
        let none = Schema::of_told(Vec::new()).unwrap();
        assert!(none.call(HEALTH).is_err());
    }

    #[test]
    fn what_is_written_in_another_syntax_is_refused_in_words() {
        // A set of one file that says `syntax: "b"`, as fuzzing found it, and one of an edition.
        for (bytes, syntax) in [
            (&b"\x0a\x03\x62\x01b"[..], "`b`"),
            (b"\x0a\x0a\x62\x08editions", "`editions`"),
        ] {
            let wrong = Schema::of_descriptions(bytes).unwrap_err();
            assert!(wrong.contains(syntax), "{wrong}");
        }
        Schema::of_descriptions(b"\x0a\x02\x62\x00").unwrap_err();
    }
}
