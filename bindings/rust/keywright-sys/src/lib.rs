//! Raw declarations of the C library keywright, made from the same description as its header. Use the crate
//! `keywright` unless you need just this.
//!
//! The texts are those of C: pointers must be valid for the call, handles are given back once, and `NULL` is allowed
//! only where it says so.

#![no_std]
#![allow(non_camel_case_types)]

mod ffi;
pub use ffi::*;

#[cfg(feature = "test")]
mod ffi_echo;
#[cfg(feature = "test")]
pub use ffi_echo::*;
