//! Requests that were put to a true API server, and its answers, which are written down in `golden`.
//!
//! `rig_differential` puts them to a true server again. An answer is read with
//! `zcat tests/differential/golden/objects.jsonl.gz | jq 'select(.story == "services")'`.

#[allow(dead_code, reason = "how a story is played is the rig's matter")]
mod corpus;
#[allow(dead_code, reason = "answers are written by the rig")]
mod golden;

/// Every story has its answers, one a step, to the request that stands in the file; and no answer is left over.
#[test]
fn every_request_has_the_answer_of_a_true_server() {
    let stories = corpus::stories("");
    for story in &stories {
        let answers = golden::read(&story.topic).remove(&story.name).unwrap_or_default();
        let told: Vec<&str> = answers.iter().map(|a| a["request"].as_str().unwrap()).collect();
        let asked: Vec<&str> = story.steps.iter().map(|s| s.title.as_str()).collect();
        assert_eq!(told, asked, "{}/{}: renew the answers with the rig", story.topic, story.name);
        assert!(answers.iter().all(|a| a.get("error").is_none()), "{}: an error among the answers", story.name);
    }
    for topic in stories.iter().map(|s| s.topic.as_str()) {
        for name in golden::read(topic).keys() {
            assert!(stories.iter().any(|s| s.name == *name), "{topic}: answers to a story {name} that is gone");
        }
    }
}
