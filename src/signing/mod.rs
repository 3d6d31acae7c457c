//! Keys, signatures and tokens: what signs a request, and what tells whether a token is genuine.
//!
//! Rooms, in reading order: [`der`] (how keys are written), [`key`] (a key of any kind, with [`jwk`], its form in JSON), [`algorithm`] (what signs with
//! it), [`token`] (JSON web tokens and the keys that they are held against), [`aws`] (signatures of AWS).
//!
//! All pure: what time it is, is handed in. The arithmetic is that of `ring`; nothing here invents a signature. Invariant: no key
//! is ever shown, and a signature that cannot be understood is never a good one.

pub mod algorithm;
pub mod aws;
pub mod der;
pub mod jwk;
pub mod key;
pub mod token;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use key::Key;
