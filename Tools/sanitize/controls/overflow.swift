// Writes one element past its memory: AddressSanitizer must report it.
@main struct Overflow {
    static func main() {
        let count = CommandLine.arguments.count + 7
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
        memory.initialize(repeating: 1, count: count)
        memory[count] = 2
        print(memory[count])
        memory.deallocate()
    }
}
