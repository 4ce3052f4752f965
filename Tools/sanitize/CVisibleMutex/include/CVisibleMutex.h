#ifndef WHORL_TOOLS_VISIBLE_MUTEX_H
#define WHORL_TOOLS_VISIBLE_MUTEX_H

/*
 * Nothing to call: linking this library shows ThreadSanitizer what a Mutex of Swift's Synchronization does.
 */

#endif
