use proptest::prelude::*;

use super::*;

fn about(question: TableQuestion, table: &str) -> Intent {
    let table = (!table.is_empty()).then(|| table.to_owned());
    Intent::Table(question, table)
}

#[test]
fn every_form_is_a_pattern() {
    assert_eq!(READY.len(), FORMS.len());
}

#[test]
fn tables_are_listed_however_one_asks() {
    for question in [
        "list tables",
        "List the tables.",
        "show me all tables",
        "Which tables are there?",
        "what tables do you have?",
        "What are the available tables",
        "please list tables in the database",
        "Can you show me the tables?",
        "tables",
    ] {
        assert_eq!(read(question), Intent::ListTables, "{question}");
    }
}

#[test]
fn a_question_about_a_table_has_its_name_as_it_was_written() {
    use TableQuestion::{Columns, Count, Sample};
    for (question, expected) in [
        ("show columns in orders", about(Columns, "orders")),
        ("Which columns does Orders have?", about(Columns, "Orders")),
        ("describe public.orders", about(Columns, "public.orders")),
        ("DESCRIBE the orders table", about(Columns, "orders")),
        (
            "fields in \"Order Items\"",
            about(Columns, "\"Order Items\""),
        ),
        ("how many rows in orders?", about(Count, "orders")),
        (
            "How many records are there in orders",
            about(Count, "orders"),
        ),
        ("how many rows does orders have", about(Count, "orders")),
        ("row count of `my table`", about(Count, "`my table`")),
        ("show first 5 rows of orders", about(Sample(5), "orders")),
        (
            "Show me the first 1000 rows from orders",
            about(Sample(100), "orders"),
        ),
        ("show 0 rows of orders", about(Sample(1), "orders")),
        ("sample rows from orders", about(Sample(3), "orders")),
        ("preview größe", about(Sample(3), "größe")),
    ] {
        assert_eq!(read(question), expected, "{question}");
    }
}

#[test]
fn a_question_without_a_table_says_that_it_lacks_one() {
    use TableQuestion::{Columns, Count, Sample};
    for (question, expected) in [
        ("show columns", about(Columns, "")),
        ("describe", about(Columns, "")),
        ("how many rows are there?", about(Count, "")),
        ("row count", about(Count, "")),
        ("show 7 sample rows", about(Sample(7), "")),
        ("preview", about(Sample(3), "")),
    ] {
        assert_eq!(read(question), expected, "{question}");
    }
}

#[test]
fn a_word_more_than_the_form_is_another_question() {
    for question in [
        "list tables that mention revenue",
        "how many rows in orders were cancelled?",
        "show columns in orders of type text",
        "top 10 customers by revenue",
        "what does it cost to sing a song per customer",
        "helpful tables",
        "describe how revenue grew",
        "show first rows of orders where total > 5",
    ] {
        assert_eq!(read(question), Intent::Other, "{question}");
    }
}

#[test]
fn words_count_whole() {
    assert_eq!(read("hi"), Intent::Small(SmallTalk::Hello));
    assert_eq!(read("high"), Intent::Other);
    assert_eq!(read("tell me a joke"), Intent::Small(SmallTalk::OffTopic));
    assert_eq!(read("how many jokes are in the data"), Intent::Other);
    assert_eq!(read("jokester"), Intent::Other);
    assert_eq!(read("Never mind!"), Intent::Small(SmallTalk::Goodbye));
    assert_eq!(
        read("list data points"),
        Intent::Small(SmallTalk::DataPoints)
    );
    assert_eq!(read("thanks"), Intent::Acknowledgement);
}

#[test]
fn a_definition_has_its_whole_term() {
    for (question, term) in [
        ("define net revenue", "net revenue"),
        ("What does \"churn\" mean?", "churn"),
        ("how is the gross margin calculated?", "the gross margin"),
        ("business rules for refunds", "refunds"),
        ("What is the meaning of AOV?", "AOV"),
    ] {
        assert_eq!(
            read(question),
            Intent::Definition(term.to_owned()),
            "{question}"
        );
    }
}

#[test]
fn two_or_three_understood_questions_are_told_apart_and_others_are_one() {
    let parts = several("How many rows in orders? And list tables").expect("two");
    assert_eq!(parts, ["How many rows in orders", "list tables"]);
    let three = several("list tables; describe a; how many rows in b").expect("three");
    assert_eq!(three.len(), 3);
    for one in [
        "list tables",
        "define profit and loss",
        "how many rows in orders and who bought them",
        "list tables; list tables; list tables; list tables",
    ] {
        assert_eq!(several(one), None, "{one}");
    }
}

#[test]
fn a_reply_is_a_table_only_if_it_is_a_name() {
    assert_eq!(bare_table("orders"), Some("orders".to_owned()));
    assert_eq!(bare_table("the orders table."), Some("orders".to_owned()));
    assert_eq!(
        bare_table("public.\"Order Items\""),
        Some("public.\"Order Items\"".to_owned())
    );
    assert_eq!(bare_table("all of them"), None);
}

proptest! {
    #[test]
    fn any_text_is_read(text in ".{0,200}") {
        read(&text);
        several(&text);
        bare_table(&text);
    }
}

#[test]
fn why_asks_for_the_answer_before_and_nothing_but_why() {
    for question in [
        "why?",
        "Why",
        "and why?",
        "How did you get this?",
        "how did you get that number",
        "explain that",
        "Explain the last answer, please",
        "can you explain that?",
        "where does this number come from?",
    ] {
        assert_eq!(read(question), Intent::Why, "{question}");
    }
    for question in ["why did margins fall?", "explain orders", "why not by city"] {
        assert_eq!(read(question), Intent::Other, "{question}");
    }
}
