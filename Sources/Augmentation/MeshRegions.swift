/// Groups of the face mesh's points, by their numbers in the 468-point topology of MediaPipe (Kartynnik and others 2019, arXiv:1907.06724).
///
/// "Left" and "right" are the picture's; no group changes its meaning when a picture is mirrored, since both sides are always used alike.
enum MeshRegions {
    static let pointCount = 468

    /// Around the face, from the middle of the forehead clockwise.
    static let oval = [
        10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93,
        234, 127, 162, 21, 54, 103, 67, 109,
    ]
    /// The oval's part below the ears.
    static let jaw = Array(oval[8...28])
    /// The jaw without the sides of the cheeks.
    static let chin = Array(oval[11...25])
    static let lips = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185]
    static let brows = [[336, 296, 334, 293, 300, 276, 283, 282, 295, 285], [70, 63, 105, 66, 107, 55, 65, 52, 53, 46]]
    static let eyes = [
        [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466],
        [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246],
    ]
    static let nose = [168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98, 327, 129, 358, 48, 278]
    /// The tip of the nose and the cheeks beside the mouth.
    static let cheeks = [1, 2, 361, 132, 288, 58]
    static let foreheadTop = 10
    static let chinTip = 152
}
