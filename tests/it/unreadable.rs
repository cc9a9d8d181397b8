//! A record that can't be read is an error in every step of the planner: none takes it
//! for something that is not recorded.

use std::cell::Cell;

use orgform::model::Address;
use orgform::model::Circumstances;
use orgform::model::Observations;
use orgform::model::PlanMode;
use orgform::model::Record;
use orgform::model::RecordError;
use orgform::model::RecordStream;
use orgform::model::Recorded;
use orgform::plan::Choice;
use orgform::plan::Input;
use orgform::plan::access::access_changes;
use orgform::plan::access::unknown_sources;
use orgform::plan::plan;
use orgform::plan::preflight;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::planner::Memory;
use crate::planner::catalog;
use crate::planner::declared;
use crate::planner::id;
use crate::planner::planned;
use crate::properties::a_file;

/// A state of which one look fails.
struct Failing<'a> {
    memory: &'a Memory,
    /// Looks before that one.
    left: Cell<Option<usize>>,
}

impl Recorded for Failing<'_> {
    fn stream(&self) -> RecordStream<'_> {
        self.memory.stream()
    }

    fn get(&self, address: &Address) -> Result<Option<Record>, RecordError> {
        match self.left.get() {
            Some(0) => {
                self.left.set(None);
                return Err(RecordError::CutShort);
            }
            Some(left) => self.left.set(Some(left - 1)),
            None => {}
        }
        self.memory.get(address)
    }
}

proptest! {
    #![proptest_config(Config { cases: 60, ..Config::default() })]

    #[test]
    fn no_step_takes_what_it_can_not_read_for_nothing(first in a_file(), second in a_file()) {
        let catalog = catalog();
        let mut memory = Memory::default();
        memory.apply(&planned(&first, false, &memory, &catalog, PlanMode::Converge));
        let desired = declared(&second, false);
        for mode in [PlanMode::Converge, PlanMode::Destroy { include_adopted: false, rename_usernames: false }] {
            for looks in 0.. {
                let recorded = Failing { memory: &memory, left: Cell::new(Some(looks)) };
                let input = Input {
                    mode,
                    org_id: id("00D000000000001"),
                    desired: &desired,
                    recorded: &recorded,
                    observations: &Observations::default(),
                    catalog: &catalog,
                    choice: &Choice::everything(),
                };
                let is_whole = plan(&input).is_ok_and(|plan| {
                    preflight(&plan, &input, &Circumstances::default()).is_ok()
                        && unknown_sources(&plan, &input).is_ok()
                        && access_changes(&plan, &input).is_ok()
                });
                let has_failed = recorded.left.get().is_none();
                prop_assert_eq!(is_whole, !has_failed, "look {} of {:?}", looks, mode);
                if !has_failed {
                    break;
                }
            }
        }
    }
}
