// A serial line in both directions, which damages what passes. A bit lasts DIVISOR cycles. Faults begin at the beginning
// of a bit, at random, EVERY bits apart on average. Behind rtl_tests/packets/faults.cpp, before stream.cpp.
namespace {

constexpr unsigned kDivisor = DIVISOR;
// The line in: what the host's port makes of bytes.
class LineIn {
public:
    Faults faults;
    std::deque<uint8_t> waiting;

    bool idle() const { return waiting.empty() && bits_ == 0 && again_ == 0; }

    // The level of this cycle.
    bool cycle() {
        if (timer_ != 0) {
            --timer_;
            return level_;
        }
        level_ = bit();
        return level_;
    }

private:
    unsigned timer_ = 0, shift_ = 0, bits_ = 0, again_ = 0;
    uint8_t byte_ = 0;
    bool level_ = true;

    bool raw() {
        if (bits_ == 0) {
            while (faults.lose != 0 && !waiting.empty()) {
                waiting.pop_front();
                --faults.lose;
            }
            if (again_ != 0) {
                --again_;
            } else if (!waiting.empty()) {
                byte_ = waiting.front();
                waiting.pop_front();
                if (faults.twice != 0) {
                    --faults.twice;
                    again_ = 1;
                }
            } else {
                return true;
            }
            shift_ = 0x200u | byte_ << 1;
            bits_ = 10;
        }
        const bool level = shift_ & 1;
        shift_ >>= 1;
        --bits_;
        return level;
    }

    bool bit() {
        if (idle() && !faults.busy()) return true;
        timer_ = kDivisor - 1;
        const Fate fate = faults.next();
        if (fate.twice) return level_;
        bool level = raw();
        if (fate.drop) level = raw();
        if (fate.level >= 0) return fate.level != 0;
        return level != fate.flip;
    }
};

// The line out, and the receiver of the host's port.
class LineOut {
public:
    Faults faults;
    std::vector<uint8_t> received;
    // Cycles without a bit of a byte.
    uint64_t quiet = 0;

    void cycle(bool level) {
        if (slot_ == 0) {
            if (bits_ == 0 && !level) bits_ = 10;
            if (bits_ != 0 || faults.busy()) {
                fate_ = faults.next();
                slot_ = kDivisor;
                if (bits_ != 0) --bits_;
            } else {
                fate_ = {};
            }
        }
        quiet = bits_ == 0 && slot_ == 0 ? quiet + 1 : 0;
        const bool seen = fate_.level >= 0 ? fate_.level != 0 : level != fate_.flip;
        if (!fate_.drop) step(seen);
        if (slot_ != 0 && --slot_ == 0 && fate_.twice)
            for (unsigned n = 0; n < kDivisor; ++n) step(seen);
    }

private:
    unsigned bits_ = 0, slot_ = 0, wait_ = 0, place_ = 0, byte_ = 0;
    enum { kIdle, kByte, kBreak } state_ = kIdle;
    Fate fate_;

    void step(bool level) {
        if (state_ == kIdle) {
            if (level) return;
            state_ = kByte;
            place_ = byte_ = 0;
            wait_ = kDivisor / 2;
        } else if (state_ == kBreak) {
            if (level) state_ = kIdle;
        } else if (--wait_ == 0) {
            wait_ = kDivisor;
            if (place_ == 0) {
                if (level) state_ = kIdle;
            } else if (place_ <= 8) {
                byte_ |= static_cast<unsigned>(level) << (place_ - 1);
            } else {
                // A port passes on a byte without a stop bit as it is: the host is to find out.
                put();
                state_ = level ? kIdle : kBreak;
            }
            ++place_;
        }
    }

    void put() {
        if (faults.lose != 0) {
            --faults.lose;
            return;
        }
        received.push_back(static_cast<uint8_t>(byte_));
        if (faults.twice != 0) {
            --faults.twice;
            received.push_back(static_cast<uint8_t>(byte_));
        }
    }
};

class Line {
public:
    explicit Line(Vcore& core) : core_(core) { core_.rx = 1; }

    Faults& there() { return in_.faults; }
    Faults& back() { return out_.faults; }
    std::deque<uint8_t>& waiting() { return in_.waiting; }
    std::vector<uint8_t>& received() { return out_.received; }

    // Whether nothing is on its way.
    bool idle() const { return in_.idle() && out_.quiet >= 20 * kDivisor; }

    void before() { core_.rx = in_.cycle(); }
    void behind() { out_.cycle(core_.tx); }

private:
    Vcore& core_;
    LineIn in_;
    LineOut out_;
};

}  // namespace
