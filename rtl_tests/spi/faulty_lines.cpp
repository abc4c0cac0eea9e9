// SPI lines between a link in simulation and a master behind stdin and stdout, which damage what passes. The clock of the
// design and SCK are unrelated: their ratio and phase follow from the seed. Behind rtl_tests/packets/faults.cpp.
//
// Commands on stdin, little endian:  t u32:n n bytes          a transaction
//                                    s                        how many faults there were
// Answer of t:                       f64:now in cycles of SCK, n bytes
// Answer of s:                       u64:faults on the way there, u64:faults on the way back
// Arguments: seed, EVERY, the kinds of faults as a bit mask, 0 for none.
namespace {

// Half a cycle of the design, of any unit.
constexpr uint64_t kHalfClock = 100000;

class Lines {
public:
    Faults there, back;

    explicit Lines(Vcore& core) : core_(core) {
        half_ = static_cast<uint64_t>(static_cast<double>(kHalfClock) / (0.15 + 1.85 * (below(10001) / 10000.0)));
        core_.sck = 0;
        core_.cs_n = 1;
        core_.mosi = 0;
        core_.rst = 1;
        wait(10 * kHalfClock + below(2 * kHalfClock));
        core_.rst = 0;
        wait(10 * kHalfClock);
    }

    double now() const { return static_cast<double>(now_) / static_cast<double>(2 * half_); }

    std::vector<uint8_t> transaction(const std::vector<uint8_t>& sent) {
        const std::size_t bits = 8 * sent.size();
        bits_.clear();
        select(true);
        for (std::size_t at = 0; at < sent.size(); ++at) {
            // A byte that is lost has no clock; one that is doubled has it twice.
            unsigned times = 1;
            if (there.lose != 0) {
                --there.lose;
                times = 0;
            } else if (there.twice != 0) {
                --there.twice;
                times = 2;
            }
            for (unsigned time = 0; time < (times == 0 ? 1 : times); ++time)
                for (unsigned bit = 0; bit < 8; ++bit) cycle(sent[at] >> (7 - bit) & 1, times != 0, time == 0);
        }
        wait(half_);
        select(false);
        wait(8 * half_);
        bits_.resize(bits, true);
        std::vector<uint8_t> received(sent.size(), 0);
        for (std::size_t bit = 0; bit < bits; ++bit) received[bit / 8] |= static_cast<uint8_t>(bits_[bit] << (7 - bit % 8));
        while (back.lose != 0) {
            --back.lose;
            const std::size_t at = below(static_cast<unsigned>(received.size()));
            received.erase(received.begin() + static_cast<std::ptrdiff_t>(at));
            received.push_back(0xff);
        }
        while (back.twice != 0) {
            --back.twice;
            const std::size_t at = below(static_cast<unsigned>(received.size()));
            received.insert(received.begin() + static_cast<std::ptrdiff_t>(at), received[at]);
            received.pop_back();
        }
        return received;
    }

private:
    Vcore& core_;
    uint64_t half_ = 0, now_ = 0, clock_ = kHalfClock;
    std::vector<bool> bits_;

    void wait(uint64_t time) {
        const uint64_t end = now_ + time;
        core_.eval();
        while (clock_ <= end) {
            core_.clk = !core_.clk;
            core_.eval();
            clock_ += kHalfClock;
        }
        now_ = end;
    }

    void select(bool selected) {
        core_.cs_n = !selected;
        core_.eval();
    }

    void pulse() {
        core_.sck = 1;
        wait(half_);
        core_.sck = 0;
        core_.eval();
    }

    void cycle(bool value, bool clocked, bool kept) {
        const Fate fate = there.next(), seen = back.next();
        core_.mosi = fate.level >= 0 ? fate.level : value != fate.flip;
        if (fate.own) select(false);
        wait(half_);
        const bool level = seen.level >= 0 ? seen.level != 0 : core_.miso != seen.flip;
        if (kept && !seen.drop) bits_.push_back(level);
        if (kept && seen.twice) bits_.push_back(level);
        if (clocked && !fate.drop) pulse(); else wait(half_);
        if (fate.twice) {
            wait(half_);
            pulse();
        }
        if (fate.own) select(true);
    }
};

}  // namespace

int main(int count, char** arguments) {
    if (count != 4) return 2;
    generator.seed(std::strtoull(arguments[1], nullptr, 10));
    const auto every = static_cast<unsigned>(std::strtoul(arguments[2], nullptr, 10));
    const auto kinds = static_cast<unsigned>(std::strtoul(arguments[3], nullptr, 10));
    const auto context = std::make_unique<VerilatedContext>();
    context->randReset(2);
    context->randSeed(1);
    const auto core = std::make_unique<Vcore>(context.get(), "core");
    Lines lines(*core);
    lines.there.begin(every, kinds);
    lines.back.begin(every, kinds);

    for (uint8_t command; take(&command, 1);) {
        if (command == 't') {
            uint32_t size;
            if (!take(&size, sizeof size)) return 2;
            std::vector<uint8_t> bytes(size);
            if (!take(bytes.data(), size)) return 2;
            const std::vector<uint8_t> received = lines.transaction(bytes);
            const double now = lines.now();
            give(&now, sizeof now);
            give(received.data(), received.size());
        } else if (command == 's') {
            give(&lines.there.count, sizeof lines.there.count);
            give(&lines.back.count, sizeof lines.back.count);
        } else {
            return 2;
        }
        if (std::fflush(stdout) != 0) return 2;
    }
    core->final();
    return 0;
}
