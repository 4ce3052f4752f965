import Foundation
import FoundationXML

/// A small XML document.
final class XMLTree {
    let name: String
    private(set) var elements: [XMLTree] = []
    fileprivate(set) var characters = ""

    fileprivate init(name: String) {
        self.name = name
    }

    /// A document that is none.
    struct Malformed: Error {}

    /// Reads a document.
    convenience init(_ data: Data) throws {
        let reader = Reader()
        let parser = XMLParser(data: data)
        parser.shouldResolveExternalEntities = false
        parser.delegate = reader
        guard parser.parse(), let root = reader.root else { throw Malformed() }
        self.init(name: root.name)
        elements = root.elements
        characters = root.characters
    }

    /// The elements of that name right below.
    func children(_ name: String) -> [XMLTree] {
        elements.filter { $0.name == name }
    }

    /// The text of the first element of that name right below.
    func text(_ name: String) -> String? {
        elements.first { $0.name == name }?.characters
    }

    private final class Reader: NSObject, XMLParserDelegate {
        private(set) var root: XMLTree?
        private var path: [XMLTree] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
        ) {
            path.append(XMLTree(name: name))
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) {
            path.last?.characters += text
        }

        func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
            guard let ended = path.popLast() else { return }
            if let parent = path.last { parent.elements.append(ended) } else { root = ended }
        }
    }
}
