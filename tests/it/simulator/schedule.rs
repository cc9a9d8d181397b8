//! What goes wrong, and where: made from a seed alone.

use super::wire::Class;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection is made.
    Refused,
    /// The connection breaks before the org has the call.
    ResetBefore,
    /// The org does it, and the answer is lost.
    ResetAfter,
    /// The org does it, and half of the answer comes.
    Half,
    /// Another status and body come back; whether the org did it before that.
    Strange(u16, Strange, bool),
    /// The connection breaks, and the org does it so many calls later.
    Late(u8),
    /// The connection breaks, and the org does it just before the next call of its class,
    /// which as a rule is the same once more; the answers of so many questions after that
    /// are lost.
    Overtaken(u8),
    /// The answer is lost, and so are those of so many questions after it.
    LostLookUps(u8),
    /// What is to be deleted is not found for a moment, though it is there.
    NotFound,
    /// The session has ended.
    NoSession,
    /// Too many calls at once: it is not taken up.
    Crowded,
    /// One record of many is locked.
    OneLocked,
    /// No answer comes; whether the org did it.
    Hangs(bool),
    /// The org works on a deploy while so many calls go by; at another call, deploys take
    /// so many looks.
    Slow(u8),
    /// Somebody else changes something just before.
    Admin(Meddling),
    /// The process is killed; whether the org did it.
    Killed(bool),
    /// The process is killed, and the org does it so many calls later, of the next run.
    KilledLate(u8),
    /// The power fails; whether the org did it, and what became of the last write.
    PowerLost(bool, Torn),
    /// The user asks to stop so many times while the call hangs.
    Stopped(u8),
    /// The clock is set by so many hours.
    ClockSet(i8),
}

/// What comes instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strange {
    Nothing,
    Html,
    Json,
}

/// What somebody else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meddling {
    /// Takes an assignment off a user of ours.
    TakesOff,
    /// Gives a user of ours what it is to have.
    Gives,
    /// Renames a user of ours.
    Renames,
}

/// What a power failure leaves of the write that was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Torn {
    Nothing,
    Half,
    Zeros,
    Garbage,
}

/// One fault at the nth call of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    pub class: Class,
    pub nth: usize,
    pub fault: Fault,
}

/// What is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Users with a profile, sets, licenses and mails.
    Users,
    /// The same with a group that mutes.
    Group,
    /// So many sets that they go as a deploy.
    Deploy,
}

/// All that a seed decides.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub shape: Shape,
    pub users: usize,
    /// Whether one of the users was there before.
    pub adopts: bool,
    pub parallelism: usize,
    /// Faults while it is applied, and while it is destroyed.
    pub apply: Vec<Strike>,
    pub destroy: Vec<Strike>,
    /// Whether the cache is deleted between runs.
    pub loses_cache: bool,
    /// Whether the disk is full at the second run.
    pub disk_full: bool,
}

impl Schedule {
    pub fn of(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let shape = match random.u8(0..20) {
            0 => Shape::Deploy,
            1..=5 => Shape::Group,
            _ => Shape::Users,
        };
        // A crowd is guarded against changes of many at once.
        let users = if random.u8(0..12) == 0 { 12 } else { random.usize(1..=4) };
        let adopts = random.u8(0..4) == 0;
        let mut schedule = Self {
            shape,
            users,
            adopts,
            parallelism: random.usize(1..=5),
            apply: strikes(&mut random, 1..=4, adopts),
            destroy: strikes(&mut random, 0..=2, adopts),
            loses_cache: random.u8(0..4) == 0,
            disk_full: random.u8(0..12) == 0,
        };
        if shape == Shape::Deploy {
            schedule.apply.extend(strikes_at_deploy(&mut random));
        }
        if random.u8(0..6) == 0 {
            let (class, nth, fault) = (Class::Delete, random.usize(0..3), Fault::NotFound);
            schedule.destroy.push(Strike { class, nth, fault });
        }
        if random.u8(0..4) == 0 {
            schedule.apply.push(on_its_way(&mut random));
        }
        schedule
    }
}

fn strikes(
    random: &mut fastrand::Rng,
    count: std::ops::RangeInclusive<usize>,
    adopts: bool,
) -> Vec<Strike> {
    let mut strikes: Vec<Strike> = (0..random.usize(count)).map(|_| strike(random)).collect();
    for strike in &mut strikes {
        // What somebody else gives to a user who stays may need a license that is ours:
        // the org is right to refuse to take that off.
        if adopts && strike.fault == Fault::Admin(Meddling::Gives) {
            strike.fault = Fault::Admin(Meddling::Renames);
        }
    }
    strikes
}

/// A deploy takes its time, and mostly the run ends while it is waited for.
fn strikes_at_deploy(random: &mut fastrand::Rng) -> Vec<Strike> {
    let fault = Fault::Slow(random.u8(2..24));
    let mut strikes = vec![Strike { class: Class::Deploy, nth: 0, fault }];
    let ends = [Fault::Killed(true), Fault::PowerLost(true, Torn::Half), Fault::Stopped(3)];
    if random.u8(0..4) > 0 {
        let (nth, fault) = (random.usize(0..3), ends[random.usize(0..ends.len())]);
        strikes.push(Strike { class: Class::DeployStatus, nth, fault });
    }
    strikes
}

/// A call is on its way still when it is sent again, or when the next run begins.
fn on_its_way(random: &mut fastrand::Rng) -> Strike {
    let classes = [Class::Insert, Class::Insert, Class::Insert, Class::Mail, Class::WriteMetadata];
    let class = classes[random.usize(0..classes.len())];
    let fault = match random.u8(0..2) {
        0 => Fault::KilledLate(random.u8(1..40)),
        _ => Fault::Overtaken(if random.bool() { 0 } else { random.u8(1..12) }),
    };
    Strike { class, nth: random.usize(0..5), fault }
}

fn strike(random: &mut fastrand::Rng) -> Strike {
    let classes = [
        (Class::Insert, 6),
        (Class::Update, 3),
        (Class::Delete, 3),
        (Class::Mail, 4),
        (Class::WriteMetadata, 3),
        (Class::Deploy, 2),
        (Class::DeployStatus, 2),
        (Class::Read, 3),
        (Class::Any, 4),
    ];
    let all: u32 = classes.iter().map(|(_, weight)| weight).sum();
    let mut chosen = random.u32(0..all);
    let mut class = Class::Any;
    for (held, weight) in classes {
        if chosen < weight {
            class = held;
            break;
        }
        chosen -= weight;
    }
    let most = if class == Class::Any { 24 } else { 4 };
    Strike { class, nth: random.usize(0..most), fault: fault(random) }
}

fn fault(random: &mut fastrand::Rng) -> Fault {
    let strange = [Strange::Nothing, Strange::Html, Strange::Json];
    let statuses = [200, 201, 202, 204, 301, 302, 307, 400, 403, 404, 429, 500, 502, 503, 504];
    let torn = [Torn::Nothing, Torn::Half, Torn::Zeros, Torn::Garbage];
    match random.u8(0..34) {
        0 => Fault::Refused,
        1 | 2 => Fault::ResetBefore,
        3..=5 => Fault::ResetAfter,
        6 | 7 => Fault::Half,
        8..=13 => Fault::Strange(
            statuses[random.usize(0..statuses.len())],
            strange[random.usize(0..strange.len())],
            random.bool(),
        ),
        14 | 15 => Fault::Late(random.u8(1..30)),
        16..=18 => Fault::LostLookUps(random.u8(1..12)),
        19 => Fault::NoSession,
        20 => Fault::Crowded,
        21 | 22 => Fault::OneLocked,
        23 => Fault::Hangs(random.bool()),
        24 => Fault::Slow(random.u8(1..6)),
        25 | 26 => Fault::Admin(
            [Meddling::TakesOff, Meddling::Gives, Meddling::Renames][random.usize(0..3)],
        ),
        27..=29 => Fault::Killed(random.bool()),
        30 | 31 => Fault::PowerLost(random.bool(), torn[random.usize(0..torn.len())]),
        32 => Fault::Stopped(random.u8(1..=3)),
        _ => Fault::ClockSet([-40, -2, 2, 40][random.usize(0..4)]),
    }
}
