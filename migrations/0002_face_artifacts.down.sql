DELETE FROM artifacts WHERE kind IN ('face', 'face_gradcam');
ALTER TABLE artifacts DROP CONSTRAINT artifacts_kind_known;
ALTER TABLE artifacts ADD CONSTRAINT artifacts_kind_known CHECK (kind IN ('image', 'gradcam', 'map'));
