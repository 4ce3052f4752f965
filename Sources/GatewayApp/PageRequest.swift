import HTTPTypes
import Hummingbird
import JobModel

/// A page of a listing that a request asks for: newest first, from after a cursor on.
struct PageRequest: Sendable {
    static let maximumLimit = 200
    private static let defaultLimit = 50

    let tenant: Tenant
    let limit: Int
    /// The last id of the page before.
    let before: JobID?
    let filters: [String: String]
    private let listing: String
    private let path: String
    private let signer: SignedCursor

    /// Reads `limit`, `cursor` and the filters; any other parameter is refused, so that a misspelt filter does not show everything.
    init(_ request: Request, _ context: GatewayContext, listing: String, filters names: [String], signer: SignedCursor) throws {
        let query = request.uri.queryParameters
        for (name, _) in query where !(["limit", "cursor"] + names).contains(String(name)) {
            throw Problem(
                .parameterInvalid, "there is no parameter \(name.prefix(60)) here; there are \((names + ["limit", "cursor"]).joined(separator: ", "))",
                field: String(name.prefix(60)))
        }
        tenant = try context.tenant
        self.signer = signer
        path = request.uri.path
        var filters: [String: String] = [:]
        for name in names { filters[name] = query[Substring(name)].map(String.init) }
        self.filters = filters
        self.listing = listing + names.map { "&\($0)=\(filters[$0] ?? "")" }.joined()
        limit = try query["limit"].map { text in
            guard let limit = Int(text), (1...Self.maximumLimit).contains(limit) else {
                throw Problem(.parameterInvalid, "limit must be 1 to \(Self.maximumLimit)", field: "limit")
            }
            return limit
        } ?? Self.defaultLimit
        if let text = query["cursor"] {
            guard let id = signer.id(in: text, tenant: tenant, listing: self.listing) else {
                throw Problem(
                    .parameterInvalid, "the cursor is not one that this listing gave; begin without one", field: "cursor")
            }
            before = id
        } else {
            before = nil
        }
    }

    /// The answer, from one more row than was asked for: that tells whether there is a next page.
    func response<Row, Page: Encodable>(
        of rows: [Row], id: (Row) -> JobID, page: ([Row], String?) -> Page
    ) throws -> Response {
        let shown = Array(rows.prefix(limit))
        let next = rows.count > limit ? shown.last.map { signer.text(after: id($0), tenant: tenant, listing: listing) } : nil
        var response = try Response.json(page(shown, next))
        response.headers[.cacheControl] = "private, no-cache"
        if let next {
            let query = filters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)&" }.joined()
            response.headers[.link] = "<\(path)?\(query)limit=\(limit)&cursor=\(next)>; rel=\"next\""
        }
        return response
    }
}
