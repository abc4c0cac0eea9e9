// What a bad line does to bits, and the pipes to the host: the first part of every simulation of one.
#include "Vcore.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace {

// The order is that of FAULTS in campaign.py; the last is what a link has of its own.
enum Kind { kFlip, kFlips, kBurst, kNoise, kDrop, kDouble, kLow, kHigh, kLoseByte, kDoubleByte, kOwn, kKinds };

std::mt19937_64 generator;
unsigned below(unsigned limit) { return static_cast<unsigned>(generator() % limit); }

// What happens to one bit.
struct Fate {
    bool flip = false, drop = false, twice = false, own = false;
    int level = -1;
};

class Faults {
public:
    uint64_t count = 0;
    // Bytes that are to be lost or doubled: for whoever moves bytes.
    unsigned lose = 0, twice = 0;

    void begin(unsigned every, unsigned kinds) {
        every_ = every;
        for (unsigned kind = 0; kind < kKinds; ++kind)
            if (kinds >> kind & 1) kinds_.push_back(kind);
        left_ = kinds_.empty() ? 0 : 1 + below(2 * every_);
    }

    // Whether one lasts: even an idle line goes on bit by bit then.
    bool busy() const { return length_ != 0; }

    // The fate of the next bit.
    Fate next() {
        if (length_ == 0) {
            if (left_ == 0 || --left_ != 0) return {};
            left_ = 1 + below(2 * every_);
            ++count;
            start();
            if (length_ == 0) return {};
        }
        const bool first = at_ == 0, last = at_ + 1 == length_;
        ++at_;
        Fate fate;
        switch (kind_) {
            case kFlip: fate.flip = true; break;
            case kFlips: fate.flip = first || below(12) == 0; break;
            case kBurst: fate.flip = first || last || below(2); break;
            case kNoise: fate.level = static_cast<int>(below(2)); break;
            case kDrop: fate.drop = true; break;
            case kDouble: fate.twice = true; break;
            case kLow: fate.level = 0; break;
            case kHigh: fate.level = 1; break;
            case kOwn: fate.own = true; break;
        }
        if (last) length_ = 0;
        return fate;
    }

private:
    unsigned every_ = 0, kind_ = 0, length_ = 0, at_ = 0;
    uint64_t left_ = 0;
    std::vector<unsigned> kinds_;

    void start() {
        kind_ = kinds_[below(static_cast<unsigned>(kinds_.size()))];
        at_ = 0;
        switch (kind_) {
            case kFlip: length_ = 1; break;
            case kFlips: length_ = 60; break;
            case kBurst: length_ = 2 + below(31); break;
            case kNoise: length_ = 33 + below(400); break;
            case kDrop: case kDouble: length_ = 1 + below(3); break;
            case kLow: case kHigh: case kOwn: length_ = 1 + below(400); break;
            case kLoseByte: lose += 1 + below(3); break;
            case kDoubleByte: twice += 1 + below(3); break;
        }
    }
};

bool take(void* data, std::size_t size) { return std::fread(data, 1, size, stdin) == size; }
void give(const void* data, std::size_t size) {
    if (std::fwrite(data, 1, size, stdout) != size) std::exit(2);
}

}  // namespace

