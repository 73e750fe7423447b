use crate::service::Running;

#[test]
fn a_service_says_that_it_lives() {
    let service = Running::start();
    let answer = service.get("/healthz");
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("ok")));
}

#[test]
fn a_path_that_is_none_is_a_problem() {
    let service = Running::start();
    let answer = service.get("/v1/nothing");
    assert_eq!((answer.status, answer.problem().as_str()), (404, "no_such_call"));
}
