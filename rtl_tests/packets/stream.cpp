// A link of bytes that come when they come, in simulation, and a host behind stdin and stdout: the last part of such a
// simulation, behind one that has the class Line.
//
// Commands on stdin, little endian:  w u32:n n bytes          what the host sends
//                                    r u64:cycles             listen until bytes came and the line paused, or so long
//                                    s                        how many faults there were
// Answer of r:                       u64:now u32:n n bytes
// Answer of s:                       u64:faults on the way there, u64:faults on the way back
// Arguments: seed, EVERY, the kinds of faults as a bit mask, 0 for none.
int main(int count, char** arguments) {
    if (count != 4) return 2;
    generator.seed(std::strtoull(arguments[1], nullptr, 10));
    const auto every = static_cast<unsigned>(std::strtoul(arguments[2], nullptr, 10));
    const auto kinds = static_cast<unsigned>(std::strtoul(arguments[3], nullptr, 10));
    const auto context = std::make_unique<VerilatedContext>();
    context->randReset(2);
    context->randSeed(1);
    const auto core = std::make_unique<Vcore>(context.get(), "core");
    Line line(*core);
    line.there().begin(every, kinds);
    line.back().begin(every, kinds);
    uint64_t now = 0;
    const auto clock = [&] {
        core->clk = 0;
        core->eval();
        core->clk = 1;
        core->eval();
    };
    const auto cycle = [&] {
        line.before();
        clock();
        line.behind();
        ++now;
    };
    core->rst = 1;
    for (unsigned n = 0; n < 4; ++n) clock();
    core->rst = 0;

    for (uint8_t command; take(&command, 1);) {
        if (command == 'w') {
            uint32_t size;
            if (!take(&size, sizeof size)) return 2;
            std::vector<uint8_t> bytes(size);
            if (!take(bytes.data(), size)) return 2;
            line.waiting().insert(line.waiting().end(), bytes.begin(), bytes.end());
        } else if (command == 'r') {
            uint64_t wait;
            if (!take(&wait, sizeof wait)) return 2;
            const uint64_t limit = now + wait;
            while (now < limit && (line.received().empty() || !line.idle())) cycle();
            const auto size = static_cast<uint32_t>(line.received().size());
            give(&now, sizeof now);
            give(&size, sizeof size);
            give(line.received().data(), size);
            line.received().clear();
            if (std::fflush(stdout) != 0) return 2;
        } else if (command == 's') {
            give(&line.there().count, sizeof line.there().count);
            give(&line.back().count, sizeof line.back().count);
            if (std::fflush(stdout) != 0) return 2;
        } else {
            return 2;
        }
    }
    core->final();
    return 0;
}
