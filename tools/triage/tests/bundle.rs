//! A capture that travels in our own bundle: judged as the tar that it was collected from.

#[test]
fn a_bundle_is_judged_as_the_node_that_it_holds() {
    let codes = |path: std::path::PathBuf| {
        let argv = [
            "triage".into(),
            "--hash".into(),
            "--usage".into(),
            "--format=json".into(),
            path.into_os_string(),
        ];
        let (json, exit) = cli::try_run(&coroner_triage::TOOL, argv);
        assert_eq!(exit, cli::Exit::CLEAN, "{json}");
        let answer: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let findings = answer["answer"]["findings"]
            .as_array()
            .expect("findings")
            .clone();
        let codes = findings.iter().map(|finding| finding["code"].to_string());
        (
            answer["answer"]["evidence"]["kind"].to_string(),
            codes.collect::<Vec<_>>(),
        )
    };
    let data = testcase::testdata();
    let (kind, of_bundle) = codes(data.join("bundles/1.7-stopped.bundle"));
    let (_, of_tar) = codes(data.join("nodes/1.7-stopped/node.tar.zst"));
    assert_eq!(kind, "\"bundle\"");
    assert_eq!(of_bundle, of_tar);
}
