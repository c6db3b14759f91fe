//! What a model was asked for, in what it says around it.

/// Where the JSON object of an answer begins: behind what the model thinks aloud, and behind a fence. Something may
/// follow it.
pub fn json_object(text: &str) -> Option<&str> {
    let text = text.rsplit_once("</think>").map_or(text, |(_, rest)| rest);
    text.find('{').map(|at| &text[at..])
}
