//! The macro behind the one list of families: it makes the enum that names a fact, the
//! catalog of typed tables, and the inquiry that asks all families at once.

/// Makes [`Fact`](super::Fact), [`Catalog`](super::Catalog) and
/// [`Inquiry`](super::Inquiry) of lines `Variant(Key) => field: Family`, where `(Key)` is
/// left out for a family of one fact.
macro_rules! facts {
    // In a pattern, stands for whatever key there is.
    (@any $key:ty) => { _ };
    ($($(#[$doc:meta])* $variant:ident $(($key:ty))? => $field:ident : $family:ty,)*) => {
        /// Something that must be known of the org before what was declared can be
        /// resolved or checked: kinds name facts, the engine asks for them.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Fact {
            $($(#[$doc])* $variant $(($key))?,)*
        }

        #[expect(clippy::redundant_pattern, reason = "a key is bound by what stands for its type")]
        impl Fact {
            /// How long an answer to it holds.
            pub fn policy(&self) -> Policy {
                match self {
                    $(Self::$variant $((facts!(@any $key)))? => <$family>::POLICY,)*
                }
            }

            /// What a person would call it, as a fragment.
            pub fn describe(&self) -> String {
                let key = &();
                match self {
                    $(Self::$variant $((key @ facts!(@any $key)))? => <$family>::describe(key),)*
                }
            }
        }

        /// What a run knows of an org: the answers to facts, from this refresh or from
        /// before, in one table for each family.
        #[derive(Clone, Debug, Default)]
        pub struct Catalog {
            $($(#[$doc])* pub $field: Table<$family>,)*
        }

        #[expect(clippy::redundant_pattern, reason = "a key is bound by what stands for its type")]
        impl Catalog {
            /// Whether somebody asked.
            pub fn is_asked(&self, fact: &Fact) -> bool {
                let key = &();
                match fact {
                    $(Fact::$variant $((key @ facts!(@any $key)))? => self.$field.is_asked(key),)*
                }
            }

            /// Whether the org was asked and has it.
            pub fn has(&self, fact: &Fact) -> bool {
                let key = &();
                match fact {
                    $(Fact::$variant $((key @ facts!(@any $key)))? => {
                        matches!(self.$field.get(key), Known::Is(_))
                    })*
                }
            }

            /// All facts that were asked for, in order.
            pub fn facts(&self) -> Vec<Fact> {
                let mut facts = Vec::new();
                $(facts.extend(self.$field.keys().map(|key| {
                    let _ = key;
                    Fact::$variant $(({ let key: &$key = key; key.clone() }))?
                }));)*
                facts
            }

            /// What the state keeps of a fact, as JSON; `None` where nobody asked.
            pub fn encode(&self, fact: &Fact) -> Option<String> {
                let key = &();
                match fact {
                    $(Fact::$variant $((key @ facts!(@any $key)))? => self.$field.encode(key),)*
                }
            }

            /// Takes in what the state kept of a fact; whether it could be read.
            pub fn decode(&mut self, fact: &Fact, kept: &str) -> bool {
                let key = &();
                match fact {
                    $(Fact::$variant $((key @ facts!(@any $key)))? => {
                        self.$field.decode(key.clone(), kept)
                    })*
                }
            }
        }

        /// Which family a question is of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FamilyName {
            $($(#[$doc])* $variant,)*
        }

        /// The facts that one refresh asks for, by families, from the first round of
        /// questions to the last.
        #[derive(Debug, Default)]
        pub struct Inquiry {
            $($field: Asked<$family>,)*
        }

        #[expect(clippy::redundant_pattern, reason = "a key is bound by what stands for its type")]
        impl Inquiry {
            /// Asks for these.
            pub fn about(facts: impl IntoIterator<Item = Fact>) -> Self {
                let mut inquiry = Self::default();
                for fact in facts {
                    let key = ();
                    match fact {
                        $(Fact::$variant $((key @ facts!(@any $key)))? => {
                            inquiry.$field.keys.insert(key);
                        })*
                    }
                }
                inquiry
            }

            /// Takes a fact out of these, to be asked for on its own; whether it was one.
            pub fn remove(&mut self, fact: &Fact) -> bool {
                let key = &();
                match fact {
                    $(Fact::$variant $((key @ facts!(@any $key)))? => {
                        self.$field.keys.remove(key)
                    })*
                }
            }

            /// Before the first round: forgets what is asked anew.
            pub fn begin(&self, catalog: &mut Catalog) {
                $(self.$field.begin(&mut catalog.$field);)*
            }

            /// The questions of a round, each with its family and its number in it.
            pub fn questions(
                &mut self,
                round: usize,
                known: &Catalog,
            ) -> Vec<(FamilyName, usize, Question)> {
                let mut questions = Vec::new();
                $(for (number, question) in
                    self.$field.questions(round, known).into_iter().enumerate()
                {
                    questions.push((FamilyName::$variant, number, question));
                })*
                questions
            }

            /// Reads what came for a question of this round.
            pub fn read(
                &mut self,
                (family, question): (FamilyName, usize),
                answer: Answer<'_>,
                catalog: &mut Catalog,
            ) {
                match family {
                    $(FamilyName::$variant => {
                        self.$field.read(question, answer, &mut catalog.$field);
                    })*
                }
            }

            /// Takes note that the org refused a question, so that what it was about stays
            /// unknown.
            pub fn refuse(&mut self, family: FamilyName) {
                match family {
                    $(FamilyName::$variant => self.$field.is_refused = true,)*
                }
            }

            /// After the last round: what was asked for and not answered is not there.
            pub fn finish(&self, catalog: &mut Catalog) {
                $(self.$field.finish(&mut catalog.$field);)*
            }
        }
    };
}
