// @ts-check
/**
 * The shapes that the extension's parts hand to one another. Times are milliseconds since 1970 unless a name says otherwise.
 *
 * @typedef {"waiting"|"reading"|"uploading"|"queued"|"running"|"succeeded"|"failed"|"cancelled"|"unreadable"} AnalysisState
 *   `waiting`: in our own queue. `reading`: bytes are on their way from the page. `uploading`: on their way to the gateway. `queued`,
 *   `running`, `succeeded`, `failed`, `cancelled`: the job's own. `failed` also stands for a job that is dead, or was refused.
 *   `unreadable`: nothing of the video can be read here. The last four are ends.
 *
 * @typedef {"file"|"url"|"frames"|"capture"} ReadingMethod
 *   How the picture got to the gateway: the file itself; its address; frames drawn from the playing video; the visible tab, cropped.
 *   What came by the last two was encoded again.
 *
 * @typedef {object} VideoSource
 * @property {"http"|"stream"|"none"} kind  http: `url` is a file's address. stream: blob, MediaSource or camera. none: nothing is loaded.
 * @property {string} [url]  absolute, http or https, at most 4096 characters
 *
 * @typedef {object} VideoSummary  one video element, as its frame's content script tells of it
 * @property {string} videoId  16 hexadecimal digits, made at random by the content script; good as long as the element is, and shows the same source:
 *   players put one video after another into one element, and no verdict may pass to the next
 * @property {VideoSource} source
 * @property {number|null} durationSeconds  null for a live stream, and while nothing of it is loaded, when the width is 0 too
 * @property {number} widthPixels  of the video itself; 0 while unknown
 * @property {number} heightPixels
 * @property {boolean} isVisible  some of it lies within the viewport
 * @property {boolean} isProtected  encrypted media: pictures of it are black
 *
 * @typedef {object} VideoPlace  where a video is
 * @property {number} tabId
 * @property {number} frameId
 * @property {string} documentId  Chrome's own; another page in the same frame has another
 * @property {string} videoId
 *
 * @typedef {object} AnalysisProblem
 * @property {string} code  the gateway's problem code or a job's error code, or one of ours: `gateway_unreachable`, `gateway_unset`,
 *   `permission_missing`, `protected`, `tainted`, `nothing_loaded`, `page_gone`, `reading_failed`, `black`, `too_large`, `erased`,
 *   `not_visible`: the visible tab can be captured only while the video is in sight; `paused`: and while it plays; `storage_full`: the browser
 *   has no room for it; `gateway_changed`: its job is at another gateway than the present one; `not_whorl`: something else answers in the
 *   gateway's place; `page_refused`: the browser lets no extension into this page; `message_refused`: a message was not as it must be, or
 *   one of too many; `queue_full`: too many videos wait already; `unknown_analysis`, `unknown_video`: what was asked about is not here (any more)
 * @property {string} detail  the gateway's own words, or empty
 *
 * @typedef {object} Upload  a resumable upload that is under way
 * @property {string} location  the upload's path on the gateway
 * @property {number} offset  bytes that the gateway has said it has
 * @property {number} length
 *
 * @typedef {object} Analysis  one video's way through reading, upload and judgement; kept in chrome.storage.local under `analysis:<id>`
 * @property {string} id  UUID
 * @property {AnalysisState} state
 * @property {number} createdAt
 * @property {number} changedAt
 * @property {number} [endedAt]
 * @property {VideoPlace} [place]  absent once its page is gone
 * @property {string} pageOrigin
 * @property {string} pageTitle  at most 200 characters
 * @property {VideoSource} source
 * @property {number|null} durationSeconds
 * @property {boolean} isLive  it has no end
 * @property {boolean} isVisible  when it was last told of
 * @property {boolean} isAutomatic  asked by a site's setting, not by the person
 * @property {boolean} isFresh  asked anew: a run of its own at the gateway, though the verdict may be known
 * @property {ReadingMethod} [method]  the way that is being tried, or did
 * @property {number} readings  how often reading by this way was broken off
 * @property {string[]} [methodNotes]  codes of why earlier ways did not do: AnalysisProblem codes
 * @property {number} progress  0…1 within the state; 0 where unknown
 * @property {string} [stage]  the job's stage while it runs
 * @property {number[]} [frameTimesSeconds]  of frames that were drawn or captured
 * @property {string} [mediaType]
 * @property {number} [lengthBytes]  of the bytes that are sent
 * @property {string} [sha256]  likewise, hex
 * @property {string} [gatewayUrl]  the gateway that the bytes went to
 * @property {Upload} [upload]
 * @property {string} [idempotencyKey]
 * @property {string} [jobId]
 * @property {string} [entityTag]  of the job's last answer
 * @property {boolean} [isStopping]  the gateway is yet to be told that its job is to be cancelled
 * @property {number} failures  in a row, of the network or the gateway
 * @property {number} [nextAt]  not before this time is anything tried again
 * @property {AnalysisProblem} [problem]  why it ended, or why it waits
 * @property {object} [verdict]  as docs/api.md describes it
 * @property {boolean} isReused  the verdict was known before
 *
 * @typedef {object} SiteSetting
 * @property {"ask"|"automatic"} analysis
 * @property {boolean} showsBadges
 *
 * @typedef {object} Settings  in chrome.storage.local under `settings`
 * @property {string} gatewayUrl  origin and path prefix, without a slash at its end; empty: none is set
 * @property {string} gatewayKey  empty: none. Trusted contexts alone can read it
 * @property {string} dashboardUrl  empty: the gateway's own
 * @property {Record<string, SiteSetting>} sites  by origin
 * @property {number} retentionDays  1…365: ended analyses are forgotten after so many
 * @property {number} parallelAnalyses  1…8
 * @property {number} frameCount  16…64
 * @property {boolean} allowsUrls  addresses may be handed to the gateway where it fetches
 * @property {string} language  "" for the browser's, or a folder of _locales
 *
 * @typedef {object} BadgeView  what a badge shows; words are in the interface's language already
 * @property {AnalysisState|"idle"} state
 * @property {"real"|"fake"|"uncertain"|null} label
 * @property {string} text  one or two words
 * @property {string} description  a sentence for screen readers and the tooltip
 * @property {number} progress  0…1
 * @property {boolean} isUntrained  the model was never trained
 */

export {};
