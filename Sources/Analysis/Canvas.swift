import Video

/// A colour, each part 0…255.
package struct Ink: Sendable, Hashable {
    package var red, green, blue: UInt8

    package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }
}

/// A rectangle in whole pixels.
package struct Area: Sendable, Hashable {
    package var x, y, width, height: Int
    package var right: Int { x + width }
    package var bottom: Int { y + height }

    package init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    package func inset(by margin: Int) -> Area {
        Area(x: x + margin, y: y + margin, width: width - 2 * margin, height: height - 2 * margin)
    }
}

/// A picture to draw on; what falls outside is left out.
package struct Canvas: Sendable {
    package private(set) var image: RGBImage

    package init(width: Int, height: Int, background: Ink) {
        image = RGBImage(width: width, height: height, pixels: [UInt8](repeating: 0, count: width * height * 3))
        fill(Area(x: 0, y: 0, width: width, height: height), background)
    }

    /// A picture to draw over.
    package init(_ picture: RGBImage) {
        image = picture
    }

    /// Mixes a pixel with a colour.
    mutating func blend(_ paint: HeatOverlay.Paint, x: Int, y: Int) {
        let at = (y * image.width + x) * 3
        for part in 0..<3 {
            let below = Float(image.pixels[at + part])
            image.pixels[at + part] = UInt8((below + (paint.color[part] * 255 - below) * paint.opacity).rounded(.toNearestOrEven))
        }
    }

    /// Draws a straight line of squares `thickness` pixels wide.
    package mutating func line(from start: (x: Double, y: Double), to end: (x: Double, y: Double), _ ink: Ink, thickness: Int) {
        let steps = max(1, Int(max(abs(end.x - start.x), abs(end.y - start.y)).rounded(.up)))
        for step in 0...steps {
            let share = Double(step) / Double(steps)
            let x = Int((start.x + (end.x - start.x) * share).rounded()), y = Int((start.y + (end.y - start.y) * share).rounded())
            fill(Area(x: x - thickness / 2, y: y - thickness / 2, width: thickness, height: thickness), ink)
        }
    }

    /// Fills a rectangle; `opacity` 0…1 mixes it with what is there.
    package mutating func fill(_ area: Area, _ ink: Ink, opacity: Float = 1) {
        let columns = max(0, area.x)..<max(max(0, area.x), min(image.width, area.right))
        let rows = max(0, area.y)..<max(max(0, area.y), min(image.height, area.bottom))
        for y in rows {
            for x in columns { set(x, y, ink, opacity) }
        }
    }

    /// Draws a rectangle's edge, `thickness` pixels wide, inside it.
    package mutating func frame(_ area: Area, _ ink: Ink, thickness: Int = 1) {
        fill(Area(x: area.x, y: area.y, width: area.width, height: thickness), ink)
        fill(Area(x: area.x, y: area.bottom - thickness, width: area.width, height: thickness), ink)
        fill(Area(x: area.x, y: area.y, width: thickness, height: area.height), ink)
        fill(Area(x: area.right - thickness, y: area.y, width: thickness, height: area.height), ink)
    }

    /// Draws a horizontal line of dashes and gaps of four pixels each.
    package mutating func dashes(x: Int, y: Int, width: Int, _ ink: Ink) {
        for start in stride(from: x, to: x + width, by: 8) {
            fill(Area(x: start, y: y, width: min(4, x + width - start), height: 1), ink)
        }
    }

    /// Copies a picture; `x`, `y` is its left upper corner.
    package mutating func place(_ picture: RGBImage, x: Int, y: Int) {
        let columns = max(0, -x)..<max(max(0, -x), min(picture.width, image.width - x))
        for row in max(0, -y)..<max(max(0, -y), min(picture.height, image.height - y)) {
            let from = (row * picture.width + columns.lowerBound) * 3
            let to = ((y + row) * image.width + x + columns.lowerBound) * 3
            let count = columns.count * 3
            image.pixels.replaceSubrange(to..<to + count, with: picture.pixels[from..<from + count])
        }
    }

    /// Writes a line of text with the capitals' top at `y`; gives the x after it.
    @discardableResult
    package mutating func write(_ text: String, x: Int, y: Int, scale: Int, _ ink: Ink) -> Int {
        var left = x
        for character in text {
            let glyph = BitmapFont.glyph(of: character)
            for dot in glyph.ink {
                fill(Area(x: left + dot.x * scale, y: y + dot.y * scale, width: scale, height: scale), ink)
            }
            left += (glyph.width + 1) * scale
        }
        return left
    }

    /// Writes a line of text that ends before `right`.
    package mutating func write(_ text: String, endingAt right: Int, y: Int, scale: Int, _ ink: Ink) {
        write(text, x: right - BitmapFont.width(of: text) * scale, y: y, scale: scale, ink)
    }

    private mutating func set(_ x: Int, _ y: Int, _ ink: Ink, _ opacity: Float) {
        let at = (y * image.width + x) * 3
        guard opacity < 1 else {
            image.pixels[at] = ink.red
            image.pixels[at + 1] = ink.green
            image.pixels[at + 2] = ink.blue
            return
        }
        func mix(_ below: UInt8, _ above: UInt8) -> UInt8 {
            UInt8((Float(below) + (Float(above) - Float(below)) * opacity).rounded())
        }
        image.pixels[at] = mix(image.pixels[at], ink.red)
        image.pixels[at + 1] = mix(image.pixels[at + 1], ink.green)
        image.pixels[at + 2] = mix(image.pixels[at + 2], ink.blue)
    }
}
