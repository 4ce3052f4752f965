-- Pictures of a face as the network saw it, beside those of the whole frame.
ALTER TABLE artifacts DROP CONSTRAINT artifacts_kind_known;
ALTER TABLE artifacts ADD CONSTRAINT artifacts_kind_known CHECK (kind IN ('image', 'gradcam', 'map', 'face', 'face_gradcam'));
