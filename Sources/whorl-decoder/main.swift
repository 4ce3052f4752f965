// The decoder child: one clip on descriptor 3, one order on standard input, one answer on standard output.
import CProcess
import Glibc
import Video

private func run() -> DecoderCommand.ExitCode {
    let failures = [whorl_die_with_parent(), whorl_no_new_privileges()]
    guard failures == [0, 0] else {
        DecoderCommand.complain("prctl is refused: errno \(failures)")
        return .notConfined
    }
    guard let order = DecoderCommand.readOrder() else { return .badOrder }
    // The parent may have ended before the first line of this function asked to end with it.
    guard getppid() == order.parentProcessID else { return .badOrder }
    guard DecoderCommand.confine(to: order.limits) else { return .notConfined }
    return DecoderCommand.answer(order)
}

exit(run().rawValue)
