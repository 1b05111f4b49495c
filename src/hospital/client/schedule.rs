//! The hospital's day for the cache: all of it, or what changed since the last pull (FHIR R4, `_lastUpdated`, 3.1.1.4.2).
//!
//! An appointment that was moved to another day is no longer found among today's, so a second question asks for whatever
//! changed, of any day, and takes nothing of it but where it is now. A page is read and let go: 15,000 appointments never
//! lie in memory as JSON. What was read before a page that cannot be read is kept.

use super::super::unhurried::unhurried;
use super::super::wire::{self, Booking, Found, Next, Party, Person, Record};
use super::Client;
use super::day::{Day, ROW_BYTES, ROWS_MAX, weight, weight_of};
use super::http::HttpAnswer;
use super::look_up::Lost;
use super::search::{APPOINTMENT_ELEMENTS, resource};
use super::trouble::Missing;
use crate::config;
use crate::domain::facility::Facility;
use crate::domain::reason::LineTrouble;
use crate::ports::{NoSchedule, ScheduleNews};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use std::sync::PoisonError;

const PAGE_ROWS: usize = 200;
/// However small the pages had to become.
const PAGES_MAX: usize = 2_000;
/// What changes between two pulls; with more of it the whole day costs less.
const CHANGED_PAGES_MAX: usize = 25;
/// Patients fetched one by one where the server does not include them.
const SINGLE_PATIENTS_MAX: usize = 500;
/// A change may be stamped before it can be seen, and a cluster has several clocks.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// Of appointment and patient together: a server may apply `_elements` to what it includes, too.
const BOTH_ELEMENTS: &str = "id,meta,language,contained,extension,identifier,status,serviceType,appointmentType,description,basedOn,start,participant,active,name,birthDate,link";

/// How appointments are asked for. What a server refuses is asked for in the next way, and what is too large in pages half
/// as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    step: usize,
    rows: usize,
}

impl Default for Way {
    fn default() -> Self {
        Self { step: 0, rows: PAGE_ROWS }
    }
}

impl Way {
    /// `_elements`, and whether patients come along. Some servers know the elements of the one type only, some none.
    const STEPS: [(Option<&'static str>, bool); 5] = [
        (Some(BOTH_ELEMENTS), true),
        (Some(APPOINTMENT_ELEMENTS), true),
        (None, true),
        (Some(APPOINTMENT_ELEMENTS), false),
        (None, false),
    ];
    /// The first one without patients.
    const ALONE: usize = 3;

    pub(super) fn query<'a>(self, asked: &[(&'a str, &'a str)], rows: &'a str) -> Vec<(&'a str, &'a str)> {
        let (elements, include) = Self::STEPS[self.step.min(Self::STEPS.len() - 1)];
        let mut query = asked.to_vec();
        query.push(("_count", rows));
        query.extend(include.then_some(("_include", "Appointment:patient")));
        query.extend(elements.map(|elements| ("_elements", elements)));
        query
    }

    pub(super) fn after_refusal(self) -> Option<Self> {
        (self.step + 1 < Self::STEPS.len()).then_some(Self { step: self.step + 1, ..self })
    }

    fn after_too_large(self) -> Option<Self> {
        match self {
            Self { rows, .. } if rows > 1 => Some(Self { rows: rows / 2, ..self }),
            Self { step, .. } if step < Self::ALONE => Some(Self { step: Self::ALONE, rows: PAGE_ROWS }),
            Self { .. } => None,
        }
    }

    /// Pages that make a day.
    fn pages_max(self) -> usize {
        (ROWS_MAX / self.rows.max(1)).min(PAGES_MAX)
    }
}

/// How a walk through pages ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walked {
    ToTheEnd,
    TooMuch,
    /// The server does not take the question.
    Refused(u16),
    /// The rest cannot be read, or not now.
    Cut(Missing),
}

impl Client {
    pub(super) async fn schedule_news(&self, day: NaiveDate, mark: Option<&str>) -> Result<ScheduleNews, NoSchedule> {
        let news = self.read_schedule(day, mark).await?;
        if news.cut_short.is_none() {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).schedule_at_s = Some(Utc::now().timestamp());
        }
        Ok(news)
    }

    async fn read_schedule(&self, day: NaiveDate, mark: Option<&str>) -> Result<ScheduleNews, NoSchedule> {
        let began = Utc::now();
        if let Some(mark) = mark
            && let Some(news) = self.changed(day, mark).await?
        {
            return Ok(ScheduleNews { mark: self.mark(began), ..news });
        }
        let mut found = Day::new(day);
        let (from, until) = self.bounds(day);
        let query = [("date", from.as_str()), ("date", &until)];
        let cut_short = match self.walk_day(&query, &mut found).await {
            Walked::ToTheEnd if found.left_out == 0 => None,
            Walked::ToTheEnd => Some(NoSchedule::Answered(format!(
                "{} patients did not come along with their appointments",
                found.left_out
            ))),
            Walked::TooMuch => Some(NoSchedule::Answered("it has more pages than this kiosk reads".to_owned())),
            Walked::Refused(status) => {
                let reason = format!("the server does not tell today's appointments ({status})");
                return Err(NoSchedule::Answered(reason));
            }
            Walked::Cut(missing) if found.seen.is_empty() && found.rows.is_empty() => return Err(no_schedule(missing)),
            Walked::Cut(missing) => Some(no_schedule(missing)),
        };
        // Refused or too much a moment ago, or not all of it: the next pull is whole again.
        let next = if mark.is_some() || cut_short.is_some() { None } else { self.mark(began) };
        Ok(ScheduleNews { whole: cut_short.is_none(), mark: next, cut_short, ..found.into_news() })
    }

    /// For `kiosk check`: whether a day is told at all, by one row of it.
    pub(super) async fn tells_the_day(&self) -> Result<(), Missing> {
        let (from, until) = self.bounds(self.today());
        let mut way = Way { rows: 1, ..Way::default() };
        loop {
            let query = way.query(&[("date", from.as_str()), ("date", &until)], "1");
            let refused = match page(self.http.get("Appointment", &query, self.look_up_timeout()).await, 0) {
                Ok(_) | Err(Walked::ToTheEnd | Walked::TooMuch) => return Ok(()),
                Err(Walked::Cut(missing)) => return Err(missing),
                Err(Walked::Refused(status)) => Missing::Status(status),
            };
            way = way.after_refusal().ok_or(refused)?;
        }
    }

    /// In the server's own time, where it tells it.
    fn mark(&self, began: DateTime<Utc>) -> Option<String> {
        let skew = TimeDelta::seconds(self.http.skew.seconds()?);
        Some((began + skew - OVERLAP).to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    /// `None` if the server cannot tell what changed.
    async fn changed(&self, day: NaiveDate, mark: &str) -> Result<Option<ScheduleNews>, NoSchedule> {
        let Some(since) = wire::instant(mark).map(|since| since.to_utc()) else { return Ok(None) };
        let (from, until) = self.bounds(day);
        let after = format!("ge{mark}");
        let mut found = Day::new(day);
        let todays = [("date", from.as_str()), ("date", &until), ("_lastUpdated", &after)];
        match self.walk(self.way(), &todays, CHANGED_PAGES_MAX, &mut found, Some(since)).await {
            Walked::ToTheEnd => {}
            Walked::Cut(missing) if missing.is_away() => return Err(no_schedule(missing)),
            Walked::TooMuch | Walked::Refused(_) | Walked::Cut(_) => return Ok(None),
        }
        let rows = PAGE_ROWS.to_string();
        let anys =
            [("_lastUpdated", after.as_str()), ("_elements", "id,meta,status,start,participant"), ("_count", &rows)];
        let mut elsewhere = Vec::new();
        match self.walk_elsewhere(&anys, day, &mut elsewhere, since).await {
            Walked::ToTheEnd => {}
            Walked::Cut(missing) if missing.is_away() => return Err(no_schedule(missing)),
            Walked::TooMuch | Walked::Refused(_) | Walked::Cut(_) => return Ok(None),
        }
        found.gone.append(&mut elsewhere);
        Ok(Some(found.into_news()))
    }

    fn way(&self) -> Way {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).way
    }

    /// The whole day, in the way that the server takes. What one way brought stays when the next one begins anew.
    async fn walk_day(&self, query: &[(&str, &str)], found: &mut Day) -> Walked {
        let mut way = self.way();
        loop {
            let walked = self.walk(way, query, way.pages_max(), found, None).await;
            let next = match walked {
                Walked::Refused(_) => way.after_refusal(),
                Walked::Cut(Missing::Trouble(LineTrouble::TooLarge)) => way.after_too_large(),
                Walked::ToTheEnd | Walked::TooMuch | Walked::Cut(_) => None,
            };
            let Some(next) = next else {
                // The way that works is kept; of one that does not nothing was learnt.
                if walked == Walked::ToTheEnd {
                    self.known.lock().unwrap_or_else(PoisonError::into_inner).way = way;
                }
                return walked;
            };
            way = next;
            (found.unreadable, found.left_out) = (0, 0);
            found.seen.clear();
        }
    }

    /// Reads page after page into `found`. `since`: older resources show that the server ignored the question.
    async fn walk(
        &self,
        way: Way,
        query: &[(&str, &str)],
        pages_max: usize,
        found: &mut Day,
        since: Option<DateTime<Utc>>,
    ) -> Walked {
        let rows = way.rows.to_string();
        let mut trail = self.http.trail("Appointment");
        let mut answer = self.http.get("Appointment", &way.query(query, &rows), self.send_timeout()).await;
        for turn in 0..pages_max {
            let page = match page(answer, turn) {
                Ok(page) => page,
                Err(walked) => return walked,
            };
            let Some(read) = self.read_page(page, since).await else { return Walked::Cut(Missing::Unreadable(200)) };
            let Some(read) = read else { return Walked::Refused(200) };
            let (next, repeats) = (read.next.clone(), read.repeats(found));
            if let Err(missing) = self.take(read, found).await {
                return Walked::Cut(missing);
            }
            if found.is_too_much() {
                return Walked::TooMuch;
            }
            let Some(next) = next.filter(|_| !repeats) else { return Walked::ToTheEnd };
            let Some(further) = self.http.get_page(&mut trail, &next, self.send_timeout()).await else {
                return Walked::ToTheEnd;
            };
            answer = further;
        }
        Walked::TooMuch
    }

    /// `None` if not all of it changed `since` then.
    async fn read_page(&self, page: Value, since: Option<DateTime<Utc>>) -> Option<Option<Page>> {
        let (settings, facility) = (self.settings.clone(), self.facility.now());
        let read = move || {
            let asked = since.is_none_or(|since| all_changed_since(&page, since));
            asked.then(|| Page::read(&page, &settings, &facility))
        };
        unhurried(read).await
    }

    async fn walk_elsewhere(
        &self,
        query: &[(&str, &str)],
        day: NaiveDate,
        elsewhere: &mut Vec<String>,
        since: DateTime<Utc>,
    ) -> Walked {
        let mut trail = self.http.trail("Appointment");
        let mut answer = self.http.get("Appointment", query, self.send_timeout()).await;
        for turn in 0..CHANGED_PAGES_MAX {
            let page = match page(answer, turn) {
                Ok(page) => page,
                Err(walked) => return walked,
            };
            if !all_changed_since(&page, since) {
                return Walked::Refused(200);
            }
            let moved = |appointment: &&&Value| {
                let start = wire::start(appointment);
                let today = start.is_some_and(|at| self.facility.now().zone.at(&at).date_naive() == day);
                !today || appointment["status"] == "entered-in-error"
            };
            let found = Found::read(&page, "Appointment");
            if found.unreadable > 0 {
                return Walked::Cut(Missing::Unreadable(200));
            }
            elsewhere.extend(found.matches.iter().filter(moved).filter_map(|appointment| reference(appointment)));
            if elsewhere.len() > ROWS_MAX {
                return Walked::TooMuch;
            }
            let Some(next) = found.next else { return Walked::ToTheEnd };
            let Some(further) = self.http.get_page(&mut trail, &next, self.send_timeout()).await else {
                return Walked::ToTheEnd;
            };
            answer = further;
        }
        Walked::TooMuch
    }

    async fn take(&self, page: Page, found: &mut Day) -> Result<(), Missing> {
        found.unreadable += page.unreadable;
        for person in page.patients {
            found.bytes += weight_of(&person);
            found.patients.insert(Party::At(person.server_ref.clone()), vec![person]);
        }
        for row in page.rows {
            if found.is_too_much() {
                break;
            }
            found.bytes += row.weight();
            found.seen.extend(row.reference.clone());
            let booking = match row.booking {
                Booking::Is(booking) if booking.starts_at.date_naive() == found.date => booking,
                Booking::Is(_) | Booking::Never => {
                    found.gone.extend(row.reference);
                    continue;
                }
                Booking::Unreadable => {
                    found.unreadable += 1;
                    found.gone.extend(row.reference);
                    continue;
                }
            };
            let mut people = Vec::new();
            for party in &row.parties {
                people.extend(self.people_of(party, found).await?);
            }
            found.unreadable += usize::from(row.parties.is_empty());
            if people.is_empty() {
                found.gone.extend(row.reference);
            }
            for person in people {
                for number in &person.numbers {
                    let key = (booking.server_ref.clone(), number.clone());
                    found.bytes += weight(&booking) + weight_of(&person);
                    found.rows.insert(key, (person.with_number(number), (*booking).clone()));
                }
            }
        }
        Ok(())
    }

    /// Whoever in use an appointment names so.
    async fn people_of(&self, party: &Party, found: &mut Day) -> Result<Vec<Person>, Missing> {
        if let Some(people) = found.patients.get(party) {
            return Ok(people.clone());
        }
        if found.singles >= SINGLE_PATIENTS_MAX {
            found.left_out += 1;
            return Ok(Vec::new());
        }
        found.singles += 1;
        let people = match party {
            Party::At(reference) => self.person_at(reference).await.map(|person| person.into_iter().collect()),
            Party::Numbered(number) => self.people_with(number).await,
        };
        let people: Vec<Person> = match people {
            Ok(people) => people,
            Err(Lost::Away) => return Err(Missing::Trouble(LineTrouble::NoAnswer)),
            Err(Lost::Unreadable | Lost::Obscured | Lost::Ambiguous) => {
                found.unreadable += 1;
                Vec::new()
            }
        };
        found.patients.insert(party.clone(), people.clone());
        Ok(people)
    }
}

/// What a page says.
struct Page {
    /// Those that can be read as they came along; others are asked for.
    patients: Vec<Person>,
    rows: Vec<Row>,
    unreadable: usize,
    /// Where it goes on.
    next: Option<Next>,
}

struct Row {
    /// The resource's own address.
    reference: Option<String>,
    booking: Booking,
    /// Whose it is.
    parties: Vec<Party>,
}

impl Row {
    fn weight(&self) -> usize {
        ROW_BYTES + self.reference.as_ref().map_or(0, |reference| reference.len() * 2)
    }
}

impl Page {
    fn read(page: &Value, settings: &config::Hospital, facility: &Facility) -> Self {
        let found = Found::read(page, "Appointment");
        let person = |patient: &&Value| match wire::read_record(patient, settings) {
            Record::InUse(person) if !person.numbers.is_empty() => Some(person),
            // Perhaps only a part of it came along.
            Record::InUse(_) | Record::OutOfUse { .. } | Record::Unreadable => None,
        };
        let row = |resource: &&Value| Row {
            reference: reference(resource),
            booking: wire::read_booking(resource, settings, facility),
            parties: wire::patients_of(resource, settings),
        };
        Self {
            patients: found.included.iter().filter_map(person).collect(),
            rows: found.matches.iter().map(row).collect(),
            unreadable: found.unreadable,
            next: found.next,
        }
    }

    /// Nothing on it is new: the list goes round.
    fn repeats(&self, found: &Day) -> bool {
        let known = |row: &Row| row.reference.as_ref().is_some_and(|reference| found.seen.contains(reference));
        !self.rows.is_empty() && self.rows.iter().all(known)
    }
}

/// A server refuses a question at its first page; a further page is only missing.
fn page(answer: Result<HttpAnswer, LineTrouble>, turn: usize) -> Result<Value, Walked> {
    resource(answer, "Bundle").map_err(|missing| match missing {
        Missing::Status(status @ (400 | 404 | 405 | 410 | 422 | 501)) if turn == 0 => Walked::Refused(status),
        missing => Walked::Cut(missing),
    })
}

fn no_schedule(missing: Missing) -> NoSchedule {
    if missing.is_away() { NoSchedule::Away(missing.to_string()) } else { NoSchedule::Answered(missing.to_string()) }
}

/// A server may ignore a parameter that it does not know (FHIR R4, 3.1.1.3) and answer with everything.
fn all_changed_since(page: &Value, since: DateTime<Utc>) -> bool {
    wire::bundle_entries(page, "Appointment").all(|appointment| {
        let changed = appointment["meta"]["lastUpdated"].as_str();
        changed.and_then(wire::instant).is_some_and(|at| at >= since)
    })
}

fn reference(appointment: &Value) -> Option<String> {
    Some(format!("Appointment/{}", wire::id(&appointment["id"])?))
}
