//! Columns of labels: the dictionary of an enum, the lists of a set.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, ListArray, PrimitiveArray, StringArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::FieldRef;
use datachat_sdk::strings::Strings;

use super::error::Fault;

/// An enum has at most so many labels, and the empty text for what is none of them.
const MAX_LABELS: usize = 65_536;

/// Values of an enum. Labels have the same number in every batch of a result.
pub(super) struct Labels {
    numbers: HashMap<Vec<u8>, i32>,
    /// All labels so far, in the order of their numbers.
    texts: Strings,
    /// The dictionary as it was handed out last, which serves until a label is added.
    handed_out: Option<Arc<StringArray>>,
    keys: Vec<i32>,
    nulls: NullBufferBuilder,
    /// The label of the last value: neighbours are often alike.
    last: (Vec<u8>, i32),
}

impl Labels {
    pub(super) fn new() -> Self {
        Self {
            numbers: HashMap::new(),
            texts: Strings::new(),
            handed_out: None,
            keys: Vec::new(),
            nulls: NullBufferBuilder::new(0),
            last: (Vec::new(), -1),
        }
    }

    pub(super) fn append(&mut self, label: &[u8]) -> Result<(), Fault> {
        if self.last.1 < 0 || self.last.0 != label {
            let number = match self.numbers.get(label) {
                Some(&number) => number,
                None => self.add(label)?,
            };
            self.last.0.clear();
            self.last.0.extend_from_slice(label);
            self.last.1 = number;
        }
        self.keys.push(self.last.1);
        self.nulls.append_non_null();
        Ok(())
    }

    fn add(&mut self, label: &[u8]) -> Result<i32, Fault> {
        if self.numbers.len() >= MAX_LABELS {
            return Err(Fault::Malformed("an enum has more labels than it can have"));
        }
        let number = i32::try_from(self.numbers.len()).map_err(|_| Fault::TooLarge)?;
        self.texts.append(label)?;
        self.numbers.insert(label.to_vec(), number);
        Ok(number)
    }

    pub(super) fn append_null(&mut self) {
        self.keys.push(0);
        self.nulls.append_null();
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        if !self.texts.is_empty() || self.handed_out.is_none() {
            self.extend_dictionary();
        }
        let capacity = self.keys.len();
        let keys = std::mem::replace(&mut self.keys, Vec::with_capacity(capacity));
        let keys = PrimitiveArray::<Int32Type>::new(keys.into(), self.nulls.finish());
        let values = self
            .handed_out
            .clone()
            .unwrap_or_else(|| Arc::new(StringArray::new_null(0)));
        Arc::new(DictionaryArray::new(keys, values))
    }

    /// The labels that were handed out, and behind them the new ones.
    fn extend_dictionary(&mut self) {
        let new = self.texts.finish();
        let all = match &self.handed_out {
            None => new,
            Some(old) => old.iter().chain(new.iter()).collect(),
        };
        self.handed_out = Some(Arc::new(all));
    }
}

/// Values of a set: its members' texts, which have no comma.
pub(super) struct Members {
    texts: Strings,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Members {
    pub(super) fn new() -> Self {
        Self {
            texts: Strings::new(),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
        }
    }

    pub(super) fn append(&mut self, value: &[u8]) -> Result<(), Fault> {
        if !value.is_empty() {
            for member in value.split(|&byte| byte == b',') {
                self.texts.append(member)?;
            }
        }
        self.close()?;
        self.nulls.append_non_null();
        Ok(())
    }

    pub(super) fn append_null(&mut self) {
        let end = self.offsets.last().copied().unwrap_or(0);
        self.offsets.push(end);
        self.nulls.append_null();
    }

    fn close(&mut self) -> Result<(), Fault> {
        let end = i32::try_from(self.texts.len()).map_err(|_| Fault::TooLarge)?;
        self.offsets.push(end);
        Ok(())
    }

    pub(super) fn finish(&mut self, item: &FieldRef) -> ArrayRef {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        Arc::new(ListArray::new(
            Arc::clone(item),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Arc::new(self.texts.finish()),
            self.nulls.finish(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_schema::{DataType, Field};

    use super::*;

    #[test]
    fn a_label_keeps_its_number_from_batch_to_batch() {
        let mut labels = Labels::new();
        labels.append(b"small").expect("text");
        labels.append(b"").expect("text");
        labels.append_null();
        labels.append(b"small").expect("text");
        let first = labels.finish();
        labels.append(b"large").expect("text");
        labels.append(b"small").expect("text");
        let second = labels.finish();
        labels.append_null();
        let third = labels.finish();

        let show = |array: &ArrayRef| -> Vec<Option<String>> {
            let array = array.as_dictionary::<Int32Type>();
            let values = array.values().as_string::<i32>();
            array
                .keys()
                .iter()
                .map(|key| {
                    key.map(|key| {
                        values
                            .value(usize::try_from(key).expect("a key"))
                            .to_owned()
                    })
                })
                .collect()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(show(&first), [text("small"), text(""), None, text("small")]);
        assert_eq!(show(&second), [text("large"), text("small")]);
        let dictionary = |array: &ArrayRef| {
            let values = Arc::clone(array.as_dictionary::<Int32Type>().values());
            values
                .as_string::<i32>()
                .iter()
                .flatten()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(dictionary(&first), ["small", ""]);
        assert_eq!(dictionary(&second), ["small", "", "large"]);
        assert_eq!(dictionary(&third), ["small", "", "large"]);
        assert!(third.is_null(0));
    }

    #[test]
    fn an_empty_set_is_no_member_and_null_is_no_set() {
        let item = Arc::new(Field::new("item", DataType::Utf8, true));
        let mut members = Members::new();
        members.append(b"a,c").expect("text");
        members.append(b"").expect("text");
        members.append_null();
        let array = members.finish(&item);
        let lists = array.as_list::<i32>();
        assert_eq!(lists.value_length(0), 2);
        assert_eq!((lists.value_length(1), lists.is_null(1)), (0, false));
        assert!(lists.is_null(2));
        members.append(b"b").expect("text");
        assert_eq!(members.finish(&item).as_list::<i32>().value_length(0), 1);
    }
}
