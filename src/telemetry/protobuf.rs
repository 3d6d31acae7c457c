//! The few shapes of protocol buffers that metrics are exposed with (io.prometheus.client.MetricFamily).
//!
//! Pure. Source: github.com/prometheus/client_model, `metrics.proto`; encoding as by protobuf.dev.

/// A whole number in groups of seven bits.
pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A number that may be negative, small ones short.
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// A field that is a whole number.
pub fn whole(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field << 3));
    varint(out, value);
}

/// A field that is a double.
pub fn double(out: &mut Vec<u8>, field: u32, value: f64) {
    varint(out, u64::from(field << 3 | 1));
    out.extend_from_slice(&value.to_le_bytes());
}

/// A field that has a length: text, or a message.
pub fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    varint(out, u64::from(field << 3 | 2));
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// A label of a metric.
pub fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    let mut pair = Vec::with_capacity(name.len() + value.len() + 4);
    bytes(&mut pair, 1, name.as_bytes());
    bytes(&mut pair, 2, value.as_bytes());
    bytes(out, 1, &pair);
}
