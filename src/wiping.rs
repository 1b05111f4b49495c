//! Memory that is given back is overwritten first: what was read of a patient, typed or drawn does not lie about in the heap when
//! the visit is over, whichever crate held it. `zeroize` at each type would have to be thought of at each; this cannot be
//! forgotten. What is not covered: memory of C libraries (fontconfig, X input), the stacks, and what is still in use.
//!
//! `SQLite` has memory of its own (`store/memory.rs`), which is locked besides.

use std::alloc::{GlobalAlloc, Layout, System};
use std::arch::asm;

/// The system's allocator, and what it gets back is zeros.
pub struct Wiping;

// SAFETY: all memory comes from `System` and goes back to it with the layout it came with; in between only what is owned by
// whoever gives it back is written.
#[expect(unsafe_code, reason = "an allocator names memory by addresses")]
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as promised by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back so many bytes, and nobody uses them any more.
        unsafe {
            wipe(memory, layout.size());
            System.dealloc(memory, layout);
        }
    }

    /// `System` would move it and leave the old bytes where they were.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size, rounded up to this alignment, is no overflow.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: both blocks are there, are two, and have at least so many bytes.
            unsafe {
                moved.copy_from_nonoverlapping(memory, layout.size().min(size));
                self.dealloc(memory, layout);
            }
        }
        moved
    }
}

/// What the heap holds and nobody uses goes back to the system. The pieces that visit after visit leaves between what stays in
/// use would be kept, and look like a leak. What the window gives back a moment later goes with the next visit.
#[expect(unsafe_code, reason = "a function of the C library")]
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        unsafe extern "C" {
            safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        malloc_trim(0);
    }
}

/// Zeros that no compiler leaves out because nobody reads them: for all it knows, the assembly does.
#[expect(unsafe_code, reason = "an allocator names memory by addresses")]
unsafe fn wipe(memory: *mut u8, bytes: usize) {
    // SAFETY: so many bytes belong to the caller.
    unsafe {
        memory.write_bytes(0, bytes);
        asm!("/* {0} */", in(reg) memory, options(nostack, preserves_flags));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block's bytes after it was given back, past what the system itself writes at its beginning.
    #[expect(unsafe_code, reason = "it looks where nobody may look")]
    fn left_of(bytes: usize, give_back: impl FnOnce(*mut u8, Layout)) -> Vec<u8> {
        use std::os::unix::fs::FileExt;
        let layout = Layout::array::<u8>(bytes).expect("a layout");
        // SAFETY: it has a size.
        let memory = unsafe { Wiping.alloc(layout) };
        // SAFETY: it has so many bytes.
        unsafe { memory.write_bytes(0x5a, bytes) };
        // Whatever is asked for from here on until it was looked at may be given this very block.
        let mut left = vec![0; bytes];
        give_back(memory, layout);
        let at = u64::try_from(memory as usize).expect("an address");
        std::fs::File::open("/proc/self/mem").expect("memory").read_exact_at(&mut left, at).expect("mapped still");
        left
    }

    /// A neighbour in another thread may have the block by now; what stood there is gone either way.
    fn is_gone(left: &[u8]) -> bool {
        !left.windows(8).any(|part| part == [0x5a; 8])
    }

    #[test]
    #[expect(unsafe_code, reason = "as an allocator is used")]
    fn what_is_given_back_is_overwritten() {
        for bytes in [24, 100, 1_000, 60_000] {
            // SAFETY: it is given back once.
            let left = left_of(bytes, |memory, layout| unsafe { Wiping.dealloc(memory, layout) });
            assert!(is_gone(&left), "{bytes}");
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "as an allocator is used")]
    fn what_grows_or_shrinks_takes_all_along_and_leaves_nothing() {
        for (bytes, size) in [(24, 4_000), (1_000, 100_000), (60_000, 100)] {
            let mut kept = vec![0; bytes.min(size)];
            let left = left_of(bytes, |memory, layout| {
                // SAFETY: it is named anew, and given back at its end.
                unsafe {
                    let moved = Wiping.realloc(memory, layout, size);
                    let moved_layout = Layout::array::<u8>(size).expect("a layout");
                    kept.copy_from_slice(std::slice::from_raw_parts(moved, bytes.min(size)));
                    Wiping.dealloc(moved, moved_layout);
                }
            });
            assert!(is_gone(&left), "{bytes} to {size}");
            assert_eq!(kept, vec![0x5a; bytes.min(size)], "{bytes} to {size}");
        }
    }
}
