//! Lists that C answers: items of one kind and the bytes that they name, in one block.

use std::ptr::read_unaligned;

use keywright_sys as sys;

use crate::handle::Record;

/// What a list holds.
pub(crate) trait Item {
    type Native: Copy;

    fn from_native(native: &Self::Native, list: &[u8]) -> Self;
}

/// The bytes that an item names.
pub(crate) fn listed(list: &[u8], offset: i64, length: i64) -> Vec<u8> {
    list[offset as usize..(offset + length) as usize].to_vec()
}

impl<T: Item> Record for Vec<T> {
    type Native = *mut sys::kw_list;

    /// Reads the list that a blocking call was given, and frees it.
    fn from_native(native: &Self::Native) -> Self {
        if native.is_null() {
            return Vec::new();
        }
        // SAFETY: C says how long the list is, and it is ours until it is freed, here and once.
        unsafe {
            let data = std::slice::from_raw_parts(native.cast::<u8>(), (**native).size as usize);
            let items = Self::from_bytes(data);
            sys::kw_list_free(*native);
            items
        }
    }

    fn from_bytes(data: &[u8]) -> Self {
        if data.len() < size_of::<sys::kw_list>() {
            return Vec::new();
        }
        // SAFETY: what C answered begins with the head of a list, whose items lie where that says.
        unsafe {
            let head = read_unaligned(data.as_ptr().cast::<sys::kw_list>());
            (0..head.count)
                .map(|index| data.as_ptr().add((head.first + index * head.step) as usize).cast::<T::Native>())
                .map(|at| T::from_native(&read_unaligned(at), data))
                .collect()
        }
    }
}
