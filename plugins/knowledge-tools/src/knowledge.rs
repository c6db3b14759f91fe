//! What is known of the request's database, as the tools see it: the imports of the component, or a fake in a
//! test.

use datachat_sdk::knowledge::{Error, Findings, Page};

/// The DataPoints of the request's database and of every database.
pub trait Knowledge {
    /// What a question is about, the best first.
    ///
    /// # Errors
    /// The host's own.
    fn search(&self, question: &str, limit: u32) -> Result<Findings, Error>;

    /// All of them, page by page.
    ///
    /// # Errors
    /// The host's own.
    fn list(&self, after: Option<&str>, limit: u32) -> Result<Page, Error>;
}

#[cfg(test)]
pub(crate) mod fake {
    //! DataPoints in the order in which a search gives them, two on a page.

    use datachat_sdk::knowledge::{
        Datapoint, Error, ErrorCode, Findings, Hit, Kind, Page, Scope, ScopeUsed, Signal,
        SignalKind,
    };
    use serde_json::Value;

    use super::Knowledge;

    pub struct Fake {
        pub datapoints: Vec<Datapoint>,
        /// The place of the one that scores best.
        pub best: usize,
        pub broken: bool,
    }

    impl Fake {
        pub fn new(datapoints: Vec<Datapoint>) -> Self {
            Self {
                datapoints,
                best: 0,
                broken: false,
            }
        }

        fn check(&self) -> Result<(), Error> {
            if self.broken {
                return Err(Error {
                    code: ErrorCode::Unavailable,
                    message: "the DataPoints could not be read yet".to_owned(),
                });
            }
            Ok(())
        }
    }

    impl Knowledge for Fake {
        fn search(&self, _: &str, limit: u32) -> Result<Findings, Error> {
            self.check()?;
            let datapoints = self.datapoints.iter().take(limit as usize).cloned();
            Ok(Findings {
                hits: (1..)
                    .zip(datapoints)
                    .map(|(rank, datapoint)| Hit {
                        datapoint,
                        score: if rank as usize == self.best + 1 {
                            0.9
                        } else {
                            0.5
                        },
                        signals: vec![Signal {
                            kind: SignalKind::Lexical,
                            rank,
                        }],
                    })
                    .collect(),
                scope_used: if self.datapoints.is_empty() {
                    ScopeUsed::Nothing
                } else {
                    ScopeUsed::ConnectionAndGlobal
                },
                without_meaning: None,
            })
        }

        fn list(&self, after: Option<&str>, _: u32) -> Result<Page, Error> {
            self.check()?;
            let begin: usize = after.map_or(0, |after| after.parse().expect("a place"));
            let end = (begin + 2).min(self.datapoints.len());
            Ok(Page {
                datapoints: self.datapoints[begin..end].to_vec(),
                next: (end < self.datapoints.len()).then(|| end.to_string()),
            })
        }
    }

    /// A DataPoint of a scope; the body says the rest.
    pub fn datapoint(scope: Scope, body: &Value) -> Datapoint {
        let text = |field: &str| body[field].as_str().expect(field).to_owned();
        Datapoint {
            id: text("datapoint_id"),
            kind: match body["type"].as_str() {
                Some("Schema") => Kind::Schema,
                Some("Business") => Kind::Business,
                Some("Process") => Kind::Process,
                _ => Kind::Query,
            },
            name: text("name"),
            scope,
            body: body.to_string(),
        }
    }
}
