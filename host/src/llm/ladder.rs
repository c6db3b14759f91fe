//! What a server takes, found out by asking less of it each time it refuses.
//!
//! A refusal (400, 404, 422) rarely says exactly what is wrong. If it names a member of the request, that one is given
//! up; else the one that servers lack most often: a schema, then JSON at all, then counting tokens, then tools.

/// How an answer is bound to a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// To a JSON schema.
    Schema,
    /// To JSON.
    Json,
    /// By words alone.
    Text,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    pub form: Form,
    pub usage: bool,
    pub tools: bool,
}

impl Rung {
    /// Everything.
    pub const TOP: Self = Self {
        form: Form::Schema,
        usage: true,
        tools: true,
    };

    /// The next one down after a refusal; `None` if there is nothing left to give up, or nothing of it was wrong.
    pub fn below(self, said: &str, has_schema: bool, has_tools: bool) -> Option<Self> {
        let said = said.to_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if names(&[
            "context length",
            "context_length",
            "context size",
            "too long",
            "maximum context",
        ]) {
            return None;
        }
        let form = has_schema
            .then(|| self.form.below())
            .flatten()
            .map(|form| Self { form, ..self });
        let usage = self.usage.then_some(Self {
            usage: false,
            ..self
        });
        let tools = (self.tools && has_tools).then_some(Self {
            tools: false,
            ..self
        });
        let named = if names(&["stream_options", "include_usage"]) {
            usage
        } else if names(&["response_format", "json_schema", "json_object", "grammar"]) {
            form
        } else if names(&["tool", "function"]) {
            tools
        } else {
            None
        };
        named.or(form).or(usage).or(tools)
    }
}

impl Form {
    fn below(self) -> Option<Self> {
        match self {
            Self::Schema => Some(Self::Json),
            Self::Json => Some(Self::Text),
            Self::Text => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refusal_names_is_given_up_first() {
        let top = Rung::TOP;
        let below = |said| top.below(said, true, true);
        let no_usage = Rung {
            usage: false,
            ..top
        };
        assert_eq!(below("Unknown field: stream_options"), Some(no_usage));
        let no_tools = Rung {
            tools: false,
            ..top
        };
        assert_eq!(below("this model has no Tools"), Some(no_tools));
        let json = Rung {
            form: Form::Json,
            ..top
        };
        assert_eq!(below("bad `response_format`"), Some(json));
        assert_eq!(below("no"), Some(json));
    }

    #[test]
    fn the_ladder_ends_at_free_text_without_anything_else() {
        let mut rung = Rung::TOP;
        let mut steps = 0;
        while let Some(next) = rung.below("no", true, true) {
            rung = next;
            steps += 1;
        }
        assert_eq!((steps, rung.form), (4, Form::Text));
        assert!(!rung.usage && !rung.tools);
        // What a request does not have can't be what was wrong with it.
        assert_eq!(rung.below("tools", false, false), None);
        let only_usage = Rung::TOP.below("no", false, false).expect("a step");
        assert_eq!((only_usage.form, only_usage.usage), (Form::Schema, false));
    }

    #[test]
    fn a_prompt_that_is_too_long_is_not_mended_by_asking_less() {
        let said = "This model's maximum context length is 4096 tokens.";
        assert_eq!(Rung::TOP.below(said, true, true), None);
    }
}
