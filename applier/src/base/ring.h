// A bounded, lock-free ring from one thread to one other, carrying ownership of what it moves.
//
// Boost's spsc_queue copies what it carries, so it carries raw pointers and this class turns them into unique_ptr at
// both ends; what is left at the end is freed. A push rings the consumer's doorbell, a pop the producer's.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <memory>

#include "base/doorbell.h"

namespace walferry {

template <class T>
class Ring {
public:
    // Keeps references: both doorbells must outlive the ring.
    Ring(std::size_t capacity, Doorbell &producer, Doorbell &consumer)
        : queue_(capacity), producer_(producer), consumer_(consumer) {}
    Ring(const Ring &) = delete;
    Ring &operator=(const Ring &) = delete;
    ~Ring() {
        while (pop_raw() != nullptr) {
        }
    }

    // Thread: the producer. False when the ring is full; `item` is then still the caller's.
    bool try_push(std::unique_ptr<T> &item) {
        if (!queue_.push(item.get())) return false;
        (void)item.release();
        consumer_.ring();
        return true;
    }

    // Thread: the consumer. Null when the ring is empty.
    std::unique_ptr<T> try_pop() {
        auto item = pop_raw();
        if (item) producer_.ring();
        return item;
    }

    // Thread: the producer. Nothing is waiting for the consumer.
    bool drained() const { return queue_.write_available() == capacity(); }

    // Thread: the consumer.
    bool empty() const { return queue_.read_available() == 0; }

private:
    std::unique_ptr<T> pop_raw() {
        T *item = nullptr;
        if (!queue_.pop(item)) return nullptr;
        return std::unique_ptr<T>(item);
    }

    std::size_t capacity() const { return capacity_; }

    boost::lockfree::spsc_queue<T *> queue_;
    std::size_t capacity_ = queue_.write_available();  // before the first push: all of it
    Doorbell &producer_;
    Doorbell &consumer_;
};

}  // namespace walferry
