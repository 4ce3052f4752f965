"""How long is waited for what must come. Whoever waits goes on as soon as it is there: only a failure takes so long, on any machine."""

# For what the browser, a page or the gateway does in a moment.
SOON_SECONDS = 40.0
# For a clip's way through reading, upload and judgement, while other scenes' clips are on theirs.
VERDICT_SECONDS = 120.0
# For what an alarm of the extension's brings: it comes after half a minute at the soonest.
ALARM_SECONDS = 180.0
