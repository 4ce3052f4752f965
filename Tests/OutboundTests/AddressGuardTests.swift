import Outbound
import Testing

@Suite struct AddressGuardTests {
    @Test(arguments: [
        "8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "192.167.1.1", "100.63.255.255", "223.255.255.255",
        "2001:4860:4860::8888", "2606:4700::1111", "::ffff:8.8.8.8",
    ])
    func publicAddressesAreAdmitted(text: String) throws {
        #expect(AddressGuard().admits(try #require(IPAddress(text))))
    }

    @Test(arguments: [
        // This host, private, shared, loopback, link-local, documentation, benchmarks, 6to4 relays, multicast, reserved, broadcast.
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
        "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255",
        // Unspecified, loopback, link-local, unique local, multicast, documentation, Teredo, 6to4, NAT64, discard.
        "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::", "64:ff9b::7f00:1", "100::1",
        "fec0::1", "3fff::1",
        // IPv4 in IPv6's clothes.
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    ])
    func allOthersAreRefused(text: String) throws {
        #expect(!AddressGuard().admits(try #require(IPAddress(text))))
    }

    @Test func anOperatorsExceptionIsAsWideAsItSays() throws {
        let guarding = AddressGuard(allowed: [try #require(IPNetwork("10.1.0.0/16")), try #require(IPNetwork("fd00::/8"))])
        for text in ["10.1.2.3", "::ffff:10.1.2.3", "fd01::1"] { #expect(guarding.admits(try #require(IPAddress(text)))) }
        for text in ["10.2.0.1", "127.0.0.1", "fc00::1"] { #expect(!guarding.admits(try #require(IPAddress(text)))) }
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "127.1", "1.2.3.4/8", ":::", "12345::", "a.b.c.d"])
    func whatIsNoAddressIsNone(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func networksAreCompared() throws {
        let half = try #require(IPNetwork("10.128.0.0/9"))
        let (inside, outside) = (try #require(IPAddress("10.200.0.1")), try #require(IPAddress("10.127.0.1")))
        #expect(half.contains(inside) && !half.contains(outside))
        #expect(!half.contains(try #require(IPAddress("::1"))))
        for text in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "x/8", "::/129"] { #expect(IPNetwork(text) == nil) }
        #expect(try #require(IPAddress("[2001:DB8::1]")).description == "2001:db8::1")
    }
}
