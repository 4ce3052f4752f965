import Foundation
import Telemetry
import Testing

@Suite struct MetricTests {
    @Test func theTextIsPrometheus() {
        let registry = MetricRegistry()
        registry.add(2, to: .httpRequests, ["GET", "/api/jobs/{id}", "200"])
        registry.add(to: .httpRequests, ["GET", "a\"b\\c\nd", "404"])
        registry.set(1.5, .oldestQueuedSeconds)
        for value in [0.0005, 0.003, 0.003, 99] { registry.observe(value, .httpRequestSeconds, ["GET", "/x"]) }
        let lines = registry.text.split(separator: "\n").map(String.init)
        #expect(lines.contains("# TYPE whorl_http_requests_total counter"))
        #expect(lines.contains(#"whorl_http_requests_total{method="GET",route="/api/jobs/{id}",status="200"} 2"#))
        #expect(lines.contains(#"whorl_http_requests_total{method="GET",route="a\"b\\c\nd",status="404"} 1"#))
        #expect(lines.contains("whorl_jobs_oldest_queued_age_seconds 1.5"))
        #expect(lines.contains(#"whorl_http_request_duration_seconds_bucket{method="GET",route="/x",le="0.001"} 1"#))
        #expect(lines.contains(#"whorl_http_request_duration_seconds_bucket{method="GET",route="/x",le="0.005"} 3"#))
        #expect(lines.contains(#"whorl_http_request_duration_seconds_bucket{method="GET",route="/x",le="+Inf"} 4"#))
        #expect(lines.contains(#"whorl_http_request_duration_seconds_count{method="GET",route="/x"} 4"#))
        #expect(registry.text.hasSuffix("\n"))
    }

    @Test func aLabelThatGrowsWithoutEndIsBounded() {
        let registry = MetricRegistry()
        for number in 0..<5000 { registry.add(to: .httpProblems, ["\(number)"]) }
        #expect(registry.text.split(separator: "\n").count < 2100)
        #expect(registry.value(of: .httpProblems, ["other"]) == 3000)
    }

    @Test func aProcessIsMeasured() {
        let registry = MetricRegistry()
        registry.readProcess()
        #expect(registry.value(of: .processResidentBytes) > 1_000_000 && registry.value(of: .processOpenFiles) > 0)
        let started = registry.value(of: .processStartSeconds), now = Date().timeIntervalSince1970
        #expect(started > now - 7 * 86_400 && started <= now + 5)
    }

    @Test func theNamesFollowTheConventions() {
        for metric in Metric.allCases {
            let name = metric.rawValue
            #expect(name.allSatisfy { $0.isLowercase || $0 == "_" || $0.isNumber }, "\(name)")
            #expect((metric.kind == .counter) == name.hasSuffix("_total"), "\(name)")
            #expect(!metric.help.isEmpty && metric.help.hasSuffix("."), "\(name)")
            #expect(Set(metric.labels).count == metric.labels.count)
        }
    }

    @Test func thePageIsTheTable() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("docs/metrics.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(text.contains(Metric.documentation), "write the table anew: whorl metrics prints it")
    }
}
