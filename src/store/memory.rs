//! The memory that `SQLite` and `SQLCipher` live in: never swapped out, and overwritten when it is given back.
//!
//! `SQLCipher` has a switch for both (`cipher_memory_security`), and the kiosk does without it: it locks and unlocks the
//! pages of each single allocation. Linux keeps a mapping for every run of pages that are alike in this, so the heap fell
//! apart into more and more of them as long as the kiosk stood, and a page was unlocked again with the first of its
//! allocations that went, whatever the others on it held. Here memory comes in chunks that are locked once and stay so;
//! what is given back is overwritten at once and used again for the same size. They grow to the most that was ever in use
//! at a time and no further.

use rusqlite::ffi;
use rustix::mm::{MapFlags, ProtFlags, mlock, mmap_anonymous, munmap};
use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use zeroize::Zeroize;

/// Each is one mapping, or a part of the one before it where Linux lays them side by side.
const CHUNK_BYTES: usize = 256 * 1024;
/// What is larger has a mapping of its own, which goes with it.
const SMALL_MAX_BYTES: usize = CHUNK_BYTES / 4;
/// Before what a caller gets stands how many bytes the block has; so many also keep it aligned.
const HEAD_BYTES: usize = 16;
const BLOCK_MIN_BYTES: usize = 64;

static HEAP: Mutex<Heap> = Mutex::new(Heap { free: BTreeMap::new(), rest: None });
static UNLOCKED: AtomicBool = AtomicBool::new(false);

struct Heap {
    /// By their size.
    free: BTreeMap<usize, Vec<Block>>,
    rest: Option<Rest>,
}

struct Block(NonNull<u8>);

/// What of the last chunk was never given out.
struct Rest {
    from: Block,
    bytes: usize,
}

// SAFETY: a block that lies here belongs to nobody else, and any thread may write to it.
#[expect(unsafe_code, reason = "the heap is used by whichever thread asks SQLite")]
unsafe impl Send for Block {}

/// From now on `SQLite` uses this memory and no other. False if it was in use before (a test that opens a database past
/// the store), too late to be given another.
#[expect(unsafe_code, reason = "SQLite is told of its memory through a function of C")]
pub(super) fn take_over() -> bool {
    static TAKEN: OnceLock<bool> = OnceLock::new();
    *TAKEN.get_or_init(|| {
        let methods = methods();
        // SAFETY: no other call of SQLite runs beside this one (the first connection waits for it), it copies what it is
        // shown, and the functions keep what it asks of them.
        let taken = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const methods) == ffi::SQLITE_OK };
        // It keeps stores of its own for what is small and for pages, which it fills again and again and never wipes.
        // SAFETY: as above; both take two numbers, the second after no memory.
        unsafe {
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_LOOKASIDE, 0 as c_int, 0 as c_int);
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_PAGECACHE, null_mut::<c_void>(), 0 as c_int, 0 as c_int);
        }
        taken
    })
}

/// False once Linux refused to lock some of it (`LimitMEMLOCK=` of the unit): that may be swapped out.
pub(super) fn is_locked() -> bool {
    !UNLOCKED.load(Ordering::Relaxed)
}

fn methods() -> ffi::sqlite3_mem_methods {
    ffi::sqlite3_mem_methods {
        xMalloc: Some(take),
        xFree: Some(give_back),
        xRealloc: Some(resize),
        xSize: Some(usable),
        xRoundup: Some(round_up),
        xInit: Some(begin),
        xShutdown: Some(end),
        pAppData: null_mut(),
    }
}

const extern "C" fn begin(_: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

const extern "C" fn end(_: *mut c_void) {}

extern "C" fn take(bytes: c_int) -> *mut c_void {
    let Some(bytes) = usize::try_from(bytes).ok().filter(|bytes| *bytes > 0) else { return null_mut() };
    let bytes = block_bytes(bytes);
    let block = if bytes > SMALL_MAX_BYTES { locked(bytes) } else { heap().take(bytes) };
    block.map_or(null_mut(), |block| block.lend(bytes))
}

#[expect(unsafe_code, reason = "SQLite names its memory by addresses")]
unsafe extern "C" fn give_back(lent: *mut c_void) {
    // SAFETY: SQLite gives back only what it was lent, once.
    if let Some((block, bytes)) = unsafe { Block::of(lent) } {
        block.wipe(bytes);
        if bytes > SMALL_MAX_BYTES {
            block.unmap(bytes);
        } else {
            heap().free.entry(bytes).or_default().push(block);
        }
    }
}

/// What grows moves, so that no copy is left behind; what shrinks stays where it is.
#[expect(unsafe_code, reason = "SQLite names its memory by addresses")]
unsafe extern "C" fn resize(lent: *mut c_void, bytes: c_int) -> *mut c_void {
    // SAFETY: SQLite names only what it was lent.
    let before = unsafe { usable(lent) };
    if bytes <= before && !lent.is_null() {
        return lent;
    }
    let moved = take(bytes);
    if !moved.is_null() && !lent.is_null() {
        // SAFETY: both are blocks of at least so many bytes, and they are two.
        unsafe { moved.cast::<u8>().copy_from_nonoverlapping(lent.cast(), usize::try_from(before).unwrap_or(0)) };
        // SAFETY: as above; nobody names it any more.
        unsafe { give_back(lent) };
    }
    moved
}

#[expect(unsafe_code, reason = "SQLite names its memory by addresses")]
unsafe extern "C" fn usable(lent: *mut c_void) -> c_int {
    // SAFETY: SQLite names only what it was lent.
    let bytes = unsafe { Block::of(lent) }.map_or(0, |(_, bytes)| bytes - HEAD_BYTES);
    c_int::try_from(bytes).unwrap_or(c_int::MAX)
}

extern "C" fn round_up(bytes: c_int) -> c_int {
    let usable = block_bytes(usize::try_from(bytes).unwrap_or(0)) - HEAD_BYTES;
    c_int::try_from(usable).unwrap_or(bytes)
}

/// Four sizes from one power of two to the next: few enough that what one caller gave back fits the next.
const fn block_bytes(usable: usize) -> usize {
    let bytes = usable + HEAD_BYTES;
    if bytes <= BLOCK_MIN_BYTES {
        return BLOCK_MIN_BYTES;
    }
    bytes.next_multiple_of(bytes.next_power_of_two() / 8)
}

fn heap() -> MutexGuard<'static, Heap> {
    HEAP.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Heap {
    fn take(&mut self, bytes: usize) -> Option<Block> {
        if let Some(block) = self.free.get_mut(&bytes).and_then(Vec::pop) {
            return Some(block);
        }
        let rest = match self.rest.take().filter(|rest| rest.bytes >= bytes) {
            Some(rest) => rest,
            None => Rest { from: locked(CHUNK_BYTES)?, bytes: CHUNK_BYTES },
        };
        let (block, from) = rest.from.split(bytes);
        self.rest = Some(Rest { from, bytes: rest.bytes - bytes });
        Some(block)
    }
}

/// Zeroed, and never to be swapped out if Linux allows as much: a kiosk that may not lock it works all the same.
#[expect(unsafe_code, reason = "memory is asked of Linux by addresses")]
fn locked(bytes: usize) -> Option<Block> {
    // SAFETY: Linux chooses where, so nothing that is in use is mapped over.
    let mapped = unsafe { mmap_anonymous(null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE) };
    let block = NonNull::new(mapped.ok()?.cast::<u8>())?;
    // SAFETY: it was mapped just now, with this length.
    if unsafe { mlock(block.as_ptr().cast(), bytes) }.is_err() {
        UNLOCKED.store(true, Ordering::Relaxed);
    }
    Some(Block(block))
}

#[expect(unsafe_code, reason = "a block is an address and, before what is lent of it, its length")]
impl Block {
    fn lend(self, bytes: usize) -> *mut c_void {
        // SAFETY: a block has at least BLOCK_MIN_BYTES, is aligned to HEAD_BYTES, and is nobody else's.
        unsafe {
            self.0.cast::<usize>().write(bytes);
            self.0.add(HEAD_BYTES).as_ptr().cast()
        }
    }

    /// # Safety
    /// It was lent by [`Self::lend`] and not given back since, or it is null.
    unsafe fn of(lent: *mut c_void) -> Option<(Self, usize)> {
        let lent = NonNull::new(lent.cast::<u8>())?;
        // SAFETY: the head stands before what was lent.
        unsafe {
            let block = lent.sub(HEAD_BYTES);
            Some((Self(block), block.cast::<usize>().read()))
        }
    }

    /// The first so many bytes, and what comes after them.
    fn split(self, bytes: usize) -> (Self, Self) {
        // SAFETY: only what is at least so long is split; the end of a chunk is the most that comes of it.
        let after = unsafe { self.0.add(bytes) };
        (self, Self(after))
    }

    fn wipe(&self, bytes: usize) {
        // SAFETY: it has so many bytes, a multiple of HEAD_BYTES, all of them written once (by Linux), and is nobody else's.
        unsafe { std::slice::from_raw_parts_mut(self.0.cast::<u64>().as_ptr(), bytes / 8) }.zeroize();
    }

    fn unmap(self, bytes: usize) {
        // SAFETY: it was mapped with this length and nothing points to it any more. If Linux refuses, it stays, wiped.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt;

    /// What stands at an address, whoever owns it.
    fn bytes_at(address: usize, count: usize) -> Vec<u8> {
        read_at(address, count).expect("mapped memory")
    }

    /// None if another test has just unmapped it.
    fn read_at(address: usize, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        File::open("/proc/self/mem").unwrap().read_exact_at(&mut bytes, u64::try_from(address).ok()?).ok()?;
        Some(bytes)
    }

    /// Linux's word for the page of an address: it never leaves the machine's memory.
    fn stays_in_memory(address: usize) -> bool {
        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let mut here = false;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let range = range.and_then(|(from, to)| {
                Some(usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?)
            });
            match range {
                Some(range) => here = range.contains(&address),
                None if here && line.starts_with("VmFlags:") => return line.split(' ').any(|flag| flag == "lo"),
                None => {}
            }
        }
        panic!("{address:x} is mapped nowhere");
    }

    #[expect(unsafe_code, reason = "as SQLite does it")]
    fn write(lent: *mut c_void, marker: &[u8]) {
        // SAFETY: the blocks of these tests are longer.
        unsafe { lent.cast::<u8>().copy_from_nonoverlapping(marker.as_ptr(), marker.len()) };
    }

    #[expect(unsafe_code, reason = "as SQLite does it")]
    fn given_back(lent: *mut c_void) {
        // SAFETY: it was lent, and is not named again.
        unsafe { give_back(lent) };
    }

    #[test]
    fn what_is_given_back_is_overwritten() {
        let marker = b"7701234567890123, given back";
        for bytes in [40, 4_368, 60_000] {
            let lent = take(bytes);
            write(lent, marker);
            assert_eq!(bytes_at(lent as usize, marker.len()), marker);
            given_back(lent);
            assert_ne!(bytes_at(lent as usize, marker.len()), marker, "{bytes}");
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "as SQLite does it")]
    fn what_grows_takes_all_along_and_leaves_nothing() {
        let marker = b"7701234567890123, grown";
        let lent = take(40);
        write(lent, marker);
        // SAFETY: it was lent.
        let moved = unsafe { resize(lent, 9_000) };
        assert_ne!(lent, moved);
        assert_eq!(bytes_at(moved as usize, marker.len()), marker);
        assert_ne!(bytes_at(lent as usize, marker.len()), marker);
        // SAFETY: it was lent.
        assert_eq!(unsafe { resize(moved, 50) }, moved, "it shrinks where it is");
        given_back(moved);
    }

    /// `SQLCipher`'s own way unlocked the page under its neighbours.
    #[test]
    fn memory_stays_locked_when_a_neighbour_is_given_back() {
        let lent: Vec<*mut c_void> = (0..300).map(|_| take(100)).collect();
        for lent in lent.iter().step_by(2) {
            given_back(*lent);
        }
        let kept: Vec<*mut c_void> = lent.iter().copied().skip(1).step_by(2).collect();
        let swappable = kept.iter().filter(|lent| !stays_in_memory(**lent as usize)).count();
        assert!(is_locked(), "Linux did not lock it: `ulimit -l` is too small for this test");
        assert_eq!(swappable, 0);
        for lent in kept {
            given_back(lent);
        }
    }

    #[test]
    fn a_block_has_room_for_what_was_asked_for_and_little_more() {
        for usable in 1..200_000_usize {
            let bytes = block_bytes(usable);
            assert!(bytes >= usable + HEAD_BYTES && bytes.is_multiple_of(HEAD_BYTES), "{usable}");
            assert!(
                bytes <= BLOCK_MIN_BYTES || bytes <= (usable + HEAD_BYTES) * 5 / 4 + HEAD_BYTES,
                "{usable}: {bytes}"
            );
            let rounded = round_up(c_int::try_from(usable).unwrap());
            assert_eq!(block_bytes(usize::try_from(rounded).unwrap()), bytes, "{usable}");
        }
    }

    /// Through the database: what a row held is in none of it once the row and the connection are gone.
    #[test]
    fn a_closed_database_leaves_nothing_to_read() {
        assert!(take_over());
        // SQLite works the words out by itself: no other memory holds them.
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES ('kept ' || (7 * 11000011))").unwrap();
        connection.execute("INSERT INTO t SELECT a || ' again' FROM t", []).unwrap();
        let found = || ours().iter().any(|part| part.windows(13).any(|bytes| bytes == b"kept 77000077"));
        assert!(found(), "it is looked for in the right place");
        drop(connection);
        assert!(!found());
    }

    /// Everything that is locked in this process.
    fn ours() -> Vec<Vec<u8>> {
        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let mut parts = Vec::new();
        let mut range = (0, 0);
        for line in maps.lines() {
            let word = line.split(' ').next().unwrap_or_default();
            if let Some((from, to)) = word.split_once('-') {
                let number = |text| usize::from_str_radix(text, 16).ok();
                range = number(from).zip(number(to)).unwrap_or(range);
            } else if word == "VmFlags:" && line.split(' ').any(|flag| flag == "lo") {
                parts.extend(read_at(range.0, range.1 - range.0));
            }
        }
        parts
    }
}
