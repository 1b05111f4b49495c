//! What systemd makes of a unit's hardening, as seccomp programs: the calls that it lets through, the families of sockets,
//! no memory that is written and run, no namespaces (systemd.exec(5), and systemd 252's `seccomp-util.c` for the numbers).

use std::collections::{BTreeMap, BTreeSet};

const SETS: &str = include_str!("../data/seccomp/sets.txt");
const NUMBERS: &str = include_str!("../data/seccomp/x86_64.txt");

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Allow,
    Errno(u32),
    Kill,
}

/// The lines of `[Service]`.
pub struct Unit<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Unit<'a> {
    pub fn read(text: &'a str) -> Self {
        let (_, service) = text.split_once("\n[Service]\n").expect("a service");
        let service = service.split("\n[").next().unwrap_or(service);
        let lines = service.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(|line| line.split_once('=')).collect())
    }

    pub fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| *name == key).map(|(_, value)| *value)
    }

    pub fn is_on(&self, key: &str) -> bool {
        self.all(key).last() == Some("yes")
    }
}

/// Every call of the table with what `SystemCallFilter=` and `SystemCallErrorNumber=` make of it.
pub fn calls(unit: &Unit<'_>) -> BTreeMap<u32, Act> {
    let (sets, numbers) = (sets(), numbers());
    let otherwise = unit.all("SystemCallErrorNumber").last().map_or(Act::Kill, |name| Act::Errno(errno(name)));
    let mut lines = unit.all("SystemCallFilter").peekable();
    let first = lines.peek().expect("a filter");
    assert!(!first.starts_with('~'), "a list of what is denied lets through what nobody thought of");
    let of =
        |name: &str| expand(&sets, name).into_iter().filter_map(|call| numbers.get(call).copied()).collect::<Vec<_>>();
    // systemd lets these through in every list of what is allowed.
    let mut acts: BTreeMap<u32, Act> = numbers.values().map(|number| (*number, otherwise)).collect();
    acts.extend(of("@default").into_iter().map(|number| (number, Act::Allow)));
    for line in lines {
        let denied = line.strip_prefix('~');
        for word in denied.unwrap_or(line).split_whitespace() {
            let (name, named) = word.split_once(':').map_or((word, None), |(name, errno)| (name, Some(errno)));
            let act = match (denied, named) {
                (Some(_), Some(name)) => Act::Errno(errno(name)),
                (Some(_), None) => otherwise,
                (None, Some(_)) => panic!("{word}: an error number for what is allowed"),
                (None, None) => Act::Allow,
            };
            acts.extend(of(name).into_iter().map(|number| (number, act)));
        }
    }
    acts
}

pub fn number(call: &str) -> u32 {
    numbers()[call]
}

fn errno(name: &str) -> u32 {
    match name {
        "EPERM" => 1,
        "EACCES" => 13,
        other => other.parse().unwrap_or_else(|_| panic!("an error number that this test does not know: {other}")),
    }
}

fn sets() -> BTreeMap<&'static str, Vec<&'static str>> {
    let lines = SETS.lines().filter(|line| line.starts_with('@'));
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.map(|words| (words[0], words[1..].to_vec())).collect()
}

fn numbers() -> BTreeMap<&'static str, u32> {
    let lines = NUMBERS.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').expect("number and name"))
        .map(|(n, name)| (name, n.parse().expect("n")))
        .collect()
}

fn expand<'a>(sets: &BTreeMap<&str, Vec<&'a str>>, name: &'a str) -> BTreeSet<&'a str> {
    if !name.starts_with('@') {
        return BTreeSet::from([name]);
    }
    let inside = sets.get(name).unwrap_or_else(|| panic!("{name}: write this set into tests/data/seccomp/sets.txt"));
    inside.iter().flat_map(|name| expand(sets, name)).collect()
}

const ARCH_X86_64: u32 = 0xC000_003E;
const CLONE_NAMESPACES: u32 = 0x7E02_0080;
const EAFNOSUPPORT: u32 = 97;
const ENOSYS: u32 = 38;
const EPERM: u32 = 1;
const PROT_WRITE: u32 = 2;
const PROT_EXEC: u32 = 4;
const SHM_EXEC: u32 = 0o100_000;

/// One instruction of classic BPF.
type Step = libc::sock_filter;

const fn load(offset: u32) -> Step {
    Step { code: 0x20, jt: 0, jf: 0, k: offset }
}

const fn and(mask: u32) -> Step {
    Step { code: 0x54, jt: 0, jf: 0, k: mask }
}

/// Skips the next step unless equal.
const fn unless_equal_skip(value: u32) -> Step {
    Step { code: 0x15, jt: 0, jf: 1, k: value }
}

const fn answer(act: Act) -> Step {
    let k = match act {
        Act::Allow => 0x7FFF_0000,
        Act::Errno(number) => 0x0005_0000 | number,
        Act::Kill => 0x8000_0000,
    };
    Step { code: 0x06, jt: 0, jf: 0, k }
}

/// The low half of an argument of the call.
const fn argument(index: u32) -> Step {
    load(16 + 8 * index)
}

/// For the calls `wanted` of this machine what `inside` says; for all others nothing.
fn about(wanted: u32, inside: &[Step]) -> Vec<Step> {
    let length = u8::try_from(inside.len() + 1).expect("short");
    let mut steps = vec![load(0), Step { code: 0x15, jt: 0, jf: length, k: wanted }];
    steps.extend_from_slice(inside);
    steps.push(answer(Act::Allow));
    steps.push(answer(Act::Allow));
    steps
}

/// All that the unit asks for. The kernel runs each for every call; the strictest answer counts.
pub fn programs(unit: &Unit<'_>) -> Vec<Vec<Step>> {
    let mut main = vec![load(4), unless_equal_skip(ARCH_X86_64), load(0)];
    // Another machine's calls: SystemCallArchitectures=native.
    main.splice(2..2, [Step { code: 0x05, jt: 0, jf: 0, k: 1 }, answer(Act::Kill)]);
    for (number, act) in calls(unit) {
        main.extend([unless_equal_skip(number), answer(act)]);
    }
    main.push(answer(Act::Kill));
    let mut programs = vec![main];
    if let Some(families) = unit.all("RestrictAddressFamilies").last() {
        let mut inside = vec![argument(0)];
        for family in families.split_whitespace() {
            inside.extend([unless_equal_skip(family_number(family)), answer(Act::Allow)]);
        }
        inside.push(answer(Act::Errno(EAFNOSUPPORT)));
        programs.push(about(number("socket"), &inside));
    }
    let masked =
        |index, mask, value| vec![argument(index), and(mask), unless_equal_skip(value), answer(Act::Errno(EPERM))];
    if unit.is_on("MemoryDenyWriteExecute") {
        let both = PROT_WRITE | PROT_EXEC;
        programs.push(about(number("mmap"), &masked(2, both, both)));
        programs.push(about(number("mprotect"), &masked(2, PROT_EXEC, PROT_EXEC)));
        programs.push(about(number("pkey_mprotect"), &masked(2, PROT_EXEC, PROT_EXEC)));
        programs.push(about(number("shmat"), &masked(2, SHM_EXEC, SHM_EXEC)));
    }
    if unit.is_on("RestrictNamespaces") {
        // Its flags lie where no filter can look.
        programs.push(about(number("clone3"), &[answer(Act::Errno(ENOSYS))]));
        programs.push(about(number("setns"), &[answer(Act::Errno(EPERM))]));
        for call in ["clone", "unshare"] {
            let inside = [
                argument(0),
                and(CLONE_NAMESPACES),
                Step { code: 0x15, jt: 1, jf: 0, k: 0 },
                answer(Act::Errno(EPERM)),
            ];
            programs.push(about(number(call), &inside));
        }
    }
    programs
}

fn family_number(name: &str) -> u32 {
    match name {
        "AF_UNIX" => 1,
        "AF_INET" => 2,
        "AF_INET6" => 10,
        "AF_NETLINK" => 16,
        other => panic!("a family that this test does not know: {other}"),
    }
}

/// From now on for this thread, and for what it starts.
pub fn install(programs: &[Vec<Step>]) {
    #[expect(unsafe_code, reason = "no crate of ours installs a filter that was made elsewhere")]
    // SAFETY: the first call takes numbers only; `program` and its steps live until the second returns, which copies them.
    let call = |program: Option<&libc::sock_fprog>| unsafe {
        program.map_or_else(
            || libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
            |program| libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, std::ptr::from_ref(program)),
        )
    };
    assert_eq!(call(None), 0, "no new privileges: {}", std::io::Error::last_os_error());
    for steps in programs {
        let mut steps = steps.clone();
        let length = u16::try_from(steps.len()).expect("short enough for the kernel");
        let program = libc::sock_fprog { len: length, filter: steps.as_mut_ptr() };
        assert_eq!(call(Some(&program)), 0, "a filter of {length} steps: {}", std::io::Error::last_os_error());
    }
}

/// The error number of making a socket of this family.
pub fn socket_error(family: i32) -> Option<i32> {
    #[expect(unsafe_code, reason = "only a raw call takes any family")]
    // SAFETY: numbers only; what it makes is closed at once.
    unsafe {
        let made = libc::socket(family, libc::SOCK_DGRAM, 0);
        let error = (made < 0).then(|| std::io::Error::last_os_error().raw_os_error()).flatten();
        if made >= 0 {
            libc::close(made);
        }
        error
    }
}
