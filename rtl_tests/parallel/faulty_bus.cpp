// The FIFO at the far end of a parallel port, and lines to it that damage what passes: the eight data lines are eight bits
// in their order, and a strobe that is lost or doubled is so at the far end. Behind rtl_tests/packets/faults.cpp, before
// stream.cpp.
namespace {

// Cycles of a byte's time where none passes while a fault lasts.
constexpr unsigned kSlot = 8;

// What eight fates are to a byte.
struct Transfer {
    uint8_t flip = 0, stuck = 0, level = 0;
    bool drop = false, twice = false;

    uint8_t seen(uint8_t byte) const { return static_cast<uint8_t>(((byte ^ flip) & ~stuck) | (level & stuck)); }
};

class Way {
public:
    Faults faults;
    // Whether the flag says the opposite.
    bool lies = false;

    Transfer next() {
        since_ = 0;
        lies = false;
        Transfer transfer;
        for (unsigned bit = 0; bit < 8; ++bit) {
            const Fate fate = faults.next();
            const auto line = static_cast<uint8_t>(1u << bit);
            if (fate.flip) transfer.flip |= line;
            if (fate.level >= 0) transfer.stuck |= line;
            if (fate.level > 0) transfer.level |= line;
            transfer.drop |= fate.drop;
            transfer.twice |= fate.twice;
            lies |= fate.own;
        }
        return transfer;
    }

    // A cycle: a fault goes on where no byte passes.
    void cycle() {
        if (faults.busy() && ++since_ == kSlot) next();
        if (!faults.busy()) lies = false;
    }

private:
    unsigned since_ = 0;
};

class Line {
public:
    explicit Line(Vcore& core) : core_(core) {
        core_.rxf_n = 1;
        core_.txe_n = 1;
        core_.d_i = 0;
    }

    Faults& there() { return in_.faults; }
    Faults& back() { return out_.faults; }
    std::deque<uint8_t>& waiting() { return waiting_; }
    std::vector<uint8_t>& received() { return received_; }

    // Whether nothing is on its way.
    bool idle() const { return waiting_.empty() && quiet_ >= 60; }

    void before() {}

    void behind() {
        ++quiet_;
        in_.cycle();
        out_.cycle();
        if (core_.rd_n == reading_) {
            reading_ = !core_.rd_n;
            if (reading_) begin_read(); else end_read();
        }
        if (core_.wr_n == writing_) {
            writing_ = !core_.wr_n;
            if (writing_) write();
        }
        // Lines that nobody drives say anything.
        if (!reading_) core_.d_i = static_cast<uint8_t>(below(256));
        if (full_ && below(8) == 0) full_ = false;
        core_.rxf_n = waiting_.empty() != in_.lies;
        core_.txe_n = full_ != out_.lies;
    }

private:
    Vcore& core_;
    Way in_, out_;
    std::deque<uint8_t> waiting_;
    std::vector<uint8_t> received_;
    Transfer reads_;
    uint64_t quiet_ = 0;
    bool reading_ = false, writing_ = false, full_ = false;

    void begin_read() {
        quiet_ = 0;
        reads_ = in_.next();
        while (in_.faults.lose != 0 && !waiting_.empty()) {
            --in_.faults.lose;
            waiting_.pop_front();
        }
        const bool answers = !waiting_.empty() && !reads_.drop;
        core_.d_i = reads_.seen(answers ? waiting_.front() : static_cast<uint8_t>(below(256)));
    }

    void end_read() {
        if (reads_.drop) return;
        if (in_.faults.twice != 0) {
            --in_.faults.twice;
            return;
        }
        for (unsigned times = reads_.twice ? 2 : 1; times != 0 && !waiting_.empty(); --times) waiting_.pop_front();
    }

    void write() {
        quiet_ = 0;
        const Transfer transfer = out_.next();
        // Where there is no room it is lost; room ends with a byte, never between two.
        if (transfer.drop || full_) return;
        full_ = below(4) == 0;
        if (out_.faults.lose != 0) {
            --out_.faults.lose;
            return;
        }
        unsigned times = transfer.twice ? 2 : 1;
        if (out_.faults.twice != 0) {
            --out_.faults.twice;
            ++times;
        }
        for (; times != 0; --times) received_.push_back(transfer.seen(core_.d_o));
    }
};

}  // namespace
