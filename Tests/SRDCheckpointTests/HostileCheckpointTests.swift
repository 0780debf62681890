import SRDCheckpoint
import SRDFile
import SRDTensor
import Testing
import TestSupport

private func read(_ bytes: [UInt8]) throws -> Checkpoint { try Checkpoint(MappedFile(copying: bytes, path: "test")) }

private func failure(_ bytes: [UInt8]) -> CheckpointError? {
    do { _ = try read(bytes) } catch { return error as? CheckpointError }
    return nil
}

private func isNoTensors(_ error: CheckpointError?) -> Bool {
    if case .noTensors? = error { true } else { false }
}

/// Two tensors, one of them a view, and optimizer state that is not read.
private let small: [UInt8] = legacyFile(
    P.dict([
        ("optimizer_states", P.list([P.tensor(P.storage("9", count: 3, view: P.none), [3], strides: [1])])),
        (
            "state_dict",
            P.dict([
                (
                    "model",
                    P.dict([
                        (
                            "module.a.weight",
                            P.tensor(P.storage("1", count: 4, view: P.none), [2, 2], strides: [2, 1])
                        ),
                        (
                            "module.a.bias",
                            P.tensor(
                                P.storage("1", count: 4, view: P.tuple([P.string("1v"), P.int(2), P.int(2)])), [2],
                                strides: [1])
                        ),
                    ])
                )
            ])
        ),
        ("epoch", P.int(5)),
    ]),
    storages: [("1", 4, floatBytes([1, 2, 3, 4])), ("9", 3, floatBytes([7, 8, 9]))]
)

private func zipOf(_ object: [UInt8], _ storages: [(key: String, bytes: [UInt8])] = [("0", floatBytes([1, 2]))])
    -> [ZipMember]
{
    [
        ZipMember(name: "any/data.pkl", bytes: P.pickle(object)),
        ZipMember(name: "any/byteorder", bytes: Array("little".utf8)),
    ]
        + storages.map { ZipMember(name: "any/data/\($0.key)", bytes: $0.bytes) }
}

private let pair = P.dict([("w", P.tensor(P.storage("0", count: 2), [2], strides: [1]))])

@Suite("Checkpoints built by hand")
struct HandmadeCheckpointTests {
    @Test("a legacy file with a storage view, a prefix and optimizer state")
    func legacy() throws {
        let checkpoint = try read(small)
        #expect(
            checkpoint.tensors == [
                "a.weight": FloatTensor(shape: [2, 2], values: [1, 2, 3, 4]),
                "a.bias": FloatTensor(shape: [2], values: [3, 4]),
            ])
        #expect(checkpoint.epoch == 5)
    }

    @Test("zips: any folder, unaligned members, a comment, zip64", arguments: [false, true])
    func zips(zip64: Bool) throws {
        let checkpoint = try read(zip(zipOf(pair), zip64: zip64, comment: Array("PK comment".utf8)))
        #expect(checkpoint.tensors == ["w": FloatTensor(shape: [2], values: [1, 2])])
        #expect(checkpoint.format == .torchZip)
    }

    @Test("state_dict.model comes before state_dict, model and the bare map")
    func nesting() throws {
        func tensor(_ offset: Int) -> [UInt8] { P.tensor(P.storage("0", count: 4), offset: offset, [1], strides: [1]) }
        func first(_ object: [UInt8]) throws -> [Float]? {
            try read(zip(zipOf(object, [("0", floatBytes([0, 1, 2, 3]))]))).tensors["w"]?.values
        }
        let nested = P.dict([("w", tensor(1)), ("model", P.dict([("w", tensor(0))]))])
        #expect(
            try first(P.dict([("w", tensor(3)), ("model", P.dict([("w", tensor(2))])), ("state_dict", nested)])) == [0])
        #expect(
            try first(
                P.dict([
                    ("w", tensor(3)), ("model", P.dict([("w", tensor(2))])), ("state_dict", P.dict([("w", tensor(1))])),
                ])) == [1])
        #expect(try first(P.dict([("w", tensor(3)), ("model", P.dict([("w", tensor(2))]))])) == [2])
        #expect(try first(P.dict([("w", tensor(3))])) == [3])
    }

    @Test("a dict that contains itself, and one remembered before it is filled")
    func shared() throws {
        // {} → memo 0; d["self"] = d; d["w"] = tensor
        let object = bytes(
            P.emptyDict, [0x71, 0], P.string("self"), [0x68, 0, 0x73],
            P.string("w"), P.tensor(P.storage("0", count: 2), [2], strides: [1]), [0x73]
        )
        #expect(try read(zip(zipOf(object))).tensors["w"]?.values == [1, 2])
        let itself = bytes(
            P.emptyDict, [0x71, 0], P.string("state_dict"), [0x68, 0, 0x73], P.string("model"), [0x68, 0, 0x73])
        #expect(isNoTensors(failure(zip(zipOf(itself)))))
    }

    @Test("weight norm: a pair that does not match, or is no pair, is named")
    func weightNorm() throws {
        func normed(_ members: [(String, [Int])]) -> [UInt8] {
            zip(
                zipOf(
                    P.dict(
                        members.map { name, shape in
                            (name, P.tensor(P.storage("0", count: 2), shape, strides: shape.map { _ in 1 }))
                        })))
        }
        #expect(throws: CheckpointError.weightNormPair(name: "c.weight", g: [1, 2], v: [2])) {
            try read(normed([("c.weight_g", [1, 2]), ("c.weight_v", [2])]))
        }
        #expect(throws: CheckpointError.weightNormPair(name: "c.weight", g: nil, v: [2])) {
            try read(normed([("c.weight_v", [2])]))
        }
        #expect(throws: CheckpointError.weightNormPair(name: "c.weight", g: [2], v: nil)) {
            try read(normed([("c.weight_g", [2])]))
        }
        #expect(throws: CheckpointError.duplicateTensor(name: "c.weight")) {
            try read(normed([("c.weight_g", [2]), ("c.weight_v", [2]), ("c.weight", [2])]))
        }
        #expect(try read(normed([("c.weight_g", [2]), ("c.weight_v", [2])])).tensors["c.weight"]?.values == [1, 2])
    }

    @Test("safetensors whose header's length looks like a pickle or a zip", arguments: [0x80, 0x4b50])
    func formats(length: Int) throws {
        let header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
        let spaces = [UInt8](repeating: 0x20, count: length - header.utf8.count)
        let checkpoint = try read(bytes(littleEndian(UInt64(length)), Array(header.utf8), spaces, floatBytes([1])))
        #expect(checkpoint.format == .safetensors && checkpoint.tensors["w"]?.values == [1])
    }

    @Test("two names that differ by module. alone")
    func duplicates() throws {
        let tensor = P.tensor(P.storage("0", count: 2), [1], strides: [1])
        #expect(throws: CheckpointError.duplicateTensor(name: "w")) {
            try read(zip(zipOf(P.dict([("w", tensor), ("module.w", tensor)]))))
        }
    }
}

@Suite("Hostile and damaged checkpoints are errors")
struct HostileCheckpointTests {
    @Test(
        "nothing that a pickle asks for is run: unknown functions give opaque values",
        arguments: [
            ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("__builtin__", "getattr"),
            ("torch.storage", "_load_from_bytes"),
            ("numpy.core.multiarray", "scalar"), ("argparse", "Namespace"),
            ("pytorch_lightning.callbacks", "ModelCheckpoint"),
            ("torch", "FloatStorage.x"), ("", ""),
        ])
    func globals(module: String, name: String) throws {
        let attack = P.call(P.global(module, name), [P.string("echo gotcha")])
        // Next to the weights it is ignored; as a weight it is an error that names it.
        let weight = P.tensor(P.storage("0", count: 2), [2], strides: [1])
        #expect(try read(zip(zipOf(P.dict([("w", weight), ("callbacks", attack)])))).tensors["w"]?.values == [1, 2])
        #expect(throws: CheckpointError.opaqueTensor(name: "c.weight", className: "\(module).\(name)")) {
            try read(zip(zipOf(P.dict([("w", weight), ("c.weight", attack)]))))
        }
        // Alone there is nothing to read. The other way to write a global, since protocol 4, and objects of a class.
        let stack = bytes(P.string(module), P.string(name), [0x93])
        for object in [
            attack, bytes(stack, P.tuple([]), [0x52]),
            bytes(stack, P.tuple([]), [0x81], P.dict([("a", P.none)]), [0x62]),
        ] {
            #expect(isNoTensors(failure(zip(zipOf(object)))), "\(String(describing: failure(zip(zipOf(object)))))")
        }
    }

    @Test("more tensors than any model has")
    func manyTensors() {
        let tensors = (0...1 << 14).map { SafetensorsTensor("\($0)", FloatTensor(shape: [0])) }
        #expect(throws: CheckpointError.tooMuch("tensors", limit: 1 << 14)) {
            try read(Array(Safetensors.encode(tensors).joined()))
        }
    }

    @Test("objects of unknown classes: items, members, attributes, calls of calls")
    func opaqueObjects() throws {
        let type = P.global("a", "B"), weight = P.tensor(P.storage("0", count: 2), [2], strides: [1])
        func read(_ object: [UInt8]) throws -> [Float]? {
            try SRDCheckpointTests.read(zip(zipOf(P.dict([("state_dict", P.dict([("w", weight)])), ("o", object)]))))
                .tensors["w"]?.values
        }
        let made = P.call(type, [])
        #expect(try read(made) == [1, 2])
        #expect(try read(bytes(made, P.none, [0x61])) == [1, 2])  // append
        #expect(try read(bytes(made, P.mark, P.none, P.none, [0x65])) == [1, 2])  // appends
        #expect(try read(bytes(made, P.string("k"), P.none, [0x73])) == [1, 2])  // setitem
        #expect(try read(bytes(made, P.dict([("k", P.none)]), [0x62])) == [1, 2])  // attributes
        #expect(try read(P.call(made, [P.none])) == [1, 2])  // a call of the result
        #expect(try read(bytes(type, P.tuple([]), P.emptyDict, [0x92])) == [1, 2])  // keyword arguments
        #expect(try read(bytes([0x8f], P.mark, P.none, [0x90])) == [1, 2])  // a set
        // A dict of its own class is a dict.
        let subclass = bytes(made, P.string("state_dict"), P.dict([("w", weight)]), [0x73])
        #expect(try SRDCheckpointTests.read(zip(zipOf(subclass))).tensors["w"]?.values == [1, 2])
    }

    @Test("many unknown names, long ones, and modules that share or contain themselves end soon")
    func opaqueBombs() throws {
        let many = P.tuple((0..<5000).map { P.global("m", "c\($0)") })
        #expect(throws: CheckpointError.tooMuch("classes", limit: 4096)) { try read(zip(zipOf(many))) }
        let long = bytes(P.string(String(repeating: "m", count: 100_000)), P.string("c"), [0x93])
        #expect(throws: CheckpointError.self) { try read(zip(zipOf(long))) }
        // m0 contains m1 twice, m1 contains m2 twice …, and the last contains the first.
        var module = bytes(
            P.call(P.global("a", "M"), []), [0x71, 0],
            P.dict([("_modules", P.emptyDict), ("_parameters", P.emptyDict)]), [0x62])
        for i in 1..<40 {
            let parts = P.dict([("a", [0x68, UInt8(i - 1)]), ("b", [0x68, UInt8(i - 1)])])
            module += bytes(
                [0x30], P.call(P.global("a", "M"), []), [0x71, UInt8(i)], P.dict([("_modules", parts)]), [0x62])
        }
        #expect(isNoTensors(failure(zip(zipOf(module)))), "\(String(describing: failure(zip(zipOf(module)))))")
    }

    @Test("every instruction that is not on the list is an error that gives its code and place")
    func opcodes() {
        let known: Set<UInt8> = [
            0x80, 0x95, 0x2e, 0x28, 0x30, 0x31, 0x32, 0x4e, 0x88, 0x89, 0x4a, 0x4b, 0x4d, 0x8a, 0x8b, 0x47, 0x58, 0x8c,
            0x8d, 0x54, 0x55,
            0x42, 0x43, 0x8e, 0x29, 0x74, 0x85, 0x86, 0x87, 0x5d, 0x61, 0x65, 0x7d, 0x73, 0x75, 0x71, 0x72, 0x94, 0x68,
            0x6a, 0x63, 0x93,
            0x52, 0x62, 0x51, 0x81, 0x92, 0x8f, 0x90, 0x91, 0x96,
        ]
        for code in UInt8.min ... .max where !known.contains(code) {
            #expect(throws: CheckpointError.unknownOpcode(code, at: 2)) { try read(zip(zipOf([code]))) }
        }
        // Each alone: an empty stack, a missing mark, an empty memo …
        for code in known.subtracting([0x2e, 0x8f]) {
            #expect(throws: CheckpointError.self) { try read(zip(zipOf([code]))) }
        }
    }

    /// What is asked for, and the instructions.
    static let impossible: [(String, [UInt8])] = {
        var list: [(String, [UInt8])] = []
        func add(_ what: String, _ pieces: [UInt8]...) { list.append((what, Array(pieces.joined()))) }
        let pair = P.storage("0", count: 2)
        add("a call of a string", P.string("x"), P.tuple([]), [0x52])
        add("a call of a storage class", P.call(P.global("torch", "FloatStorage"), [P.int(1 << 40)]))
        add("a tensor of nothing", P.call(P.global("torch._utils", "_rebuild_tensor_v2"), []))
        add("a parameter of a string", P.call(P.global("torch._utils", "_rebuild_parameter"), [P.string("x")]))
        add("OrderedDict of a list", P.call(P.global("collections", "OrderedDict"), [P.list([])]))
        add("a persistent id that is a string", P.string("0"), [0x51])
        add("a storage of a negative count", P.storage("0", count: -1))
        add(
            "a storage of another class",
            P.tuple([
                P.string("storage"), P.global("collections", "OrderedDict"), P.string("0"), P.string("cpu"), P.int(1),
            ]), [0x51])
        add("a view outside its storage", P.storage("0", count: 2, view: P.tuple([P.string("v"), P.int(1), P.int(2)])))
        add(
            "a view that overflows", P.storage("0", count: 2, view: P.tuple([P.string("v"), P.int(.max), P.int(.max)])))
        add("one storage of two types", P.tuple([pair, P.storage("0", "HalfStorage", count: 2)]))
        add("one storage of two sizes", P.tuple([pair, P.storage("0", count: 3)]))
        add("a negative stride", P.tensor(pair, [2], strides: [-1]))
        add("a negative size", P.tensor(pair, [-2], strides: [1]))
        add("a negative offset", P.tensor(pair, offset: -1, [2], strides: [1]))
        add("more sizes than strides", P.tensor(pair, [2, 1], strides: [1]))
        add("nine dimensions", P.tensor(pair, [Int](repeating: 1, count: 9), strides: [Int](repeating: 1, count: 9)))
        add("a dict key without a value", P.emptyDict, P.mark, P.string("x"), [0x75])
        add("members for a list", P.list([]), P.string("a"), P.none, [0x73])
        add("items for a dict", P.emptyDict, P.none, [0x61])
        add("attributes for a tensor", P.tensor(pair, [2], strides: [1]), P.emptyDict, [0x62])
        add("a pop across a mark", P.none, P.mark, [0x30])
        add("protocol 0", [0x80, 0])
        add("protocol 6", [0x80, 6])
        add("a long of negative length", [0x8b, 0xff, 0xff, 0xff, 0xff])
        add("a string longer than the file", [0x58, 0xff, 0xff, 0xff, 0xff])
        add("a string longer than memory", [0x8d], [UInt8](repeating: 0xff, count: 8))
        add("text that is not UTF-8", [0x8c, 2, 0xc3, 0x28])
        add("a class without end", [0x63], [UInt8](repeating: 0x61, count: 5000))
        return list
    }()

    @Test("instructions that ask for what is not there", arguments: impossible)
    func malformed(what: String, instructions: [UInt8]) {
        for file in [legacyFile(instructions), zip(zipOf(instructions))] {
            let error = failure(file)
            #expect(error != nil && !isNoTensors(error), "\(what): \(String(describing: error))")
        }
    }

    @Test(
        "a tensor outside its storage is named, however its sizes overflow",
        arguments: [
            (0, [3], [1]), (1, [2], [1]), (0, [2], [2]), (0, [2, 2], [1, 1 << 62]), (.max, [2], [1]),
            (0, [1 << 62, 4], [0, 0]),
            (0, [.max, .max], [1, 1]), (0, [.max], [.max]), (2, [], []),
        ])
    func outside(offset: Int, shape: [Int], strides: [Int]) throws {
        let object = P.dict([("w", P.tensor(P.storage("0", count: 2), offset: offset, shape, strides: strides))])
        let expected = CheckpointError.tensorOutsideStorage(
            name: "w", shape: shape, strides: strides, offset: offset, storageCount: 2)
        #expect(throws: expected) { try read(zip(zipOf(object))) }
    }

    @Test(
        "a stride along one element never counts, nor any along none",
        arguments: [([2, 1], [1, .max]), ([0, .max], [.max, .max])])
    func irrelevantStrides(shape: [Int], strides: [Int]) throws {
        let object = P.dict([("w", P.tensor(P.storage("0", count: 2), shape, strides: strides))])
        #expect(try read(zip(zipOf(object))).tensors["w"]?.values == (shape[0] == 0 ? [] : [1, 2]))
    }

    @Test("little bytes that describe much memory")
    func bombs() throws {
        // One element seen 2⁴⁰ times, and many names for one storage.
        let expanded = P.dict([("w", P.tensor(P.storage("0", count: 2), [1 << 20, 1 << 20], strides: [0, 0]))])
        var file = zip(zipOf(expanded))
        #expect(throws: CheckpointError.tooMuch("values for the file's size", limit: file.count)) { try read(file) }
        let remembered = bytes(P.storage("0", count: 1000), [0x71, 1, 0x30])
        let many = P.dict((0..<200).map { ("w\($0)", P.tensor([0x68, 1], [1000], strides: [1])) })
        file = zip(zipOf(remembered + many, [("0", [UInt8](repeating: 0, count: 4000))]))
        #expect(throws: CheckpointError.tooMuch("values for the file's size", limit: file.count)) { try read(file) }
    }

    @Test(
        "nesting, memo and mark bombs end at the limit of instructions",
        arguments: [
            [0x5d], [0x28], [0x4e, 0x85], [0x5d, 0x94], [0x7d, 0x32, 0x32], [0x4e, 0x30],
            [0x29, 0x72, 0xff, 0xff, 0xff, 0xff],
        ] as [[UInt8]])
    func deepNesting(instructions: [UInt8]) throws {
        let deep = [UInt8]([[UInt8]](repeating: instructions, count: 2_000_000 / instructions.count).joined())
        #expect(throws: CheckpointError.self) { try read(zip(zipOf(deep))) }
        // Below the limit nothing recurses either: 300,000 lists, each in the one before.
        let nested = bytes([UInt8](repeating: 0x5d, count: 300_000), [UInt8](repeating: 0x61, count: 299_999))
        #expect(isNoTensors(failure(zip(zipOf(nested)))))
    }

    @Test("one long list lent to many calls costs its length once")
    func quadraticCalls() throws {
        let long = bytes(P.list([[UInt8]](repeating: P.none, count: 300_000)), [0x71, 0])
        let sizes = [[UInt8]](repeating: bytes(P.global("torch", "Size"), [0x68, 0, 0x85, 0x52, 0x30]), count: 100_000)
            .joined()
        #expect(isNoTensors(failure(zip(zipOf(long + sizes)))))
    }

    @Test("zips that are compressed, encrypted, incomplete or lie")
    func zips() throws {
        func error(_ change: (inout [ZipMember]) -> Void) -> CheckpointError? {
            var members = zipOf(pair)
            change(&members)
            return failure(zip(members))
        }
        #expect(error { $0[2].method = 8 } == .unsupported("the compressed zip member any/data/0 (method 8)"))
        #expect(error { $0[0].flags = 1 } == .unsupported("the encrypted zip member any/data.pkl"))
        #expect(error { $0[2].crc = 1 } == .badChecksum(member: "any/data/0"))
        #expect(error { $0[2].bytes.removeLast() } == .wrongStorageSize(key: "0", found: 7, expected: 8))
        #expect(error { $0.removeLast() } == .missingStorage(key: "0"))
        #expect(error { $0.removeFirst() } == .unsupported("a zip that torch.save did not write (no data.pkl in it)"))
        #expect(error { $0[1].bytes = Array("big".utf8) } == .unsupported("a big-endian checkpoint"))
        #expect(error { $0.append($0[2]) }?.description.hasSuffix("zip member any/data/0 occurs twice") == true)
        #expect(
            error { $0[2].claimedSize = .max - 1 }?.description.hasSuffix("zip members larger than the file") == true)
        // Many entries that share one member's bytes: each is small, together they are not.
        let shared = error { $0 += (0..<200).map { ZipMember(name: "any/data/x\($0)", bytes: [], claimedSize: 1000) } }
        #expect(shared?.description.hasSuffix("zip members larger than the file") == true)
        #expect(throws: CheckpointError.self) { try read(zip(zipOf(pair), count: 60_000)) }
    }

    @Test("files that are no checkpoints")
    func noCheckpoints() throws {
        #expect(throws: CheckpointError.notACheckpoint(startsWith: "hello.")) { try read(Array("hello\u{1b}".utf8)) }
        #expect(throws: CheckpointError.unsupported("a pickle that torch.save did not write")) {
            try read(P.pickle(P.dict([])))
        }
        #expect(throws: CheckpointError.unsupported("a big-endian checkpoint")) {
            try read(legacyFile(P.dict([]), littleEndianSystem: false))
        }
        #expect(failure(legacyFile(P.dict([("epoch", P.int(1))]))) == .noTensors(found: ["\"epoch\": an integer"]))
        #expect(throws: FileError(.read, SharedFiles.packageRoot.path, .directory)) {
            try Checkpoint.read(SharedFiles.packageRoot.path)
        }
        #expect(throws: FileError(.read, "/no/such/file", .missing)) { try Checkpoint.read("/no/such/file") }
    }

    @Test("storages that the list and the objects do not agree on")
    func storageLists() throws {
        let object = P.dict([("w", P.tensor(P.storage("0", count: 2), [2], strides: [1]))])
        #expect(throws: CheckpointError.missingStorage(key: "0")) { try read(legacyFile(object)) }
        for storages in [[("1", 2)], [("0", 3)], [("0", -1)], [("0", 2), ("0", 2)], [("0", Int.max)]] {
            let file = legacyFile(object, storages: storages.map { ($0.0, $0.1, floatBytes([1, 2, 3])) })
            #expect(throws: CheckpointError.self, "\(storages)") { try read(file) }
        }
        let huge = P.dict([("w", P.tensor(P.storage("0", count: .max), [2], strides: [1]))])
        #expect(throws: CheckpointError.self) {
            try read(legacyFile(huge, storages: [("0", .max, floatBytes([1, 2, 3]))]))
        }
        #expect(throws: CheckpointError.self) { try read(zip(zipOf(huge))) }
    }
}

@Suite("Damage anywhere never crashes")
struct DamagedCheckpointTests {
    static let fixtures = [
        "types.legacy.pt", "views.pt", "module.legacy.ckpt", "protocol4.pt", "weightnorm.pt",
        "module.ckpt.expected.safetensors",
    ]

    @Test("cut short at every length: an error", arguments: fixtures)
    func truncated(file: String) throws {
        let whole = try MappedFile(path: TorchFixtureTests.path(file)).withBytes { Array($0) }
        for count in 1..<whole.count {
            #expect(throws: CheckpointError.self, "\(count) of \(whole.count) bytes") {
                try read(Array(whole[..<count]))
            }
        }
    }

    @Test("flipped bits: an error or a checkpoint", arguments: fixtures)
    func flipped(file: String) throws {
        let whole = try MappedFile(path: TorchFixtureTests.path(file)).withBytes { Array($0) }
        var random = SeededRandom(seed: SeededRandom.seed)
        var errors = 0
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            do { _ = try read(bytes) } catch is CheckpointError { errors += 1 }
        }
        #expect(errors > 0, "SRD_TEST_SEED=\(SeededRandom.seed)")
    }

    @Test("pickles of random instructions: an error, or one in a million a checkpoint")
    func randomInstructions() throws {
        let parts: [[UInt8]] = [
            P.none, P.emptyDict, P.emptyTuple, P.mark, P.int(2), P.int(-1), P.string("w"), P.string("model"),
            P.string("0"), P.ints([1, 2]),
            P.storage("0", count: 2), P.tensor(P.storage("0", count: 2), [2], strides: [1]),
            P.global("collections", "OrderedDict"),
            P.global("torch", "Size"), P.global("torch._utils", "_rebuild_tensor_v2"),
            P.global("torch._utils", "_rebuild_parameter"),
            [0x30], [0x31], [0x32], [0x74], [0x85], [0x86], [0x87], [0x5d], [0x61], [0x65], [0x73], [0x75], [0x71, 0],
            [0x68, 0], [0x71, 1],
            [0x68, 1], [0x94], [0x52], [0x62], [0x51], [0x93],
        ]
        var random = SeededRandom(seed: SeededRandom.seed)
        for _ in 0..<20_000 {
            let body = (0..<Int.random(in: 1...40, using: &random)).flatMap { _ in parts.randomElement(using: &random)!
            }
            do { _ = try read(zip(zipOf(body))) } catch is CheckpointError {}
        }
    }

    @Test(
        "a real checkpoint, cut short or its pickle flipped",
        .enabled(if: SharedFiles.has("golden/x4-weightnorm.ckpt"), SharedFiles.absent))
    func golden() throws {
        let whole = try MappedFile(path: SharedFiles.path("golden/x4-weightnorm.ckpt")).withBytes { Array($0) }
        var random = SeededRandom(seed: SeededRandom.seed)
        for _ in 0..<100 {
            #expect(throws: CheckpointError.self) {
                try read(Array(whole[..<Int.random(in: 1..<whole.count, using: &random)]))
            }
            var bytes = whole
            bytes[Int.random(in: 0..<33_753, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            do { _ = try read(bytes) } catch is CheckpointError {}
        }
    }
}
