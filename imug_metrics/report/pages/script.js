"use strict";
// SPDX-FileCopyrightText: the imug_metrics authors
// SPDX-License-Identifier: Apache-2.0
// Lets readers sort and filter; without it the page is whole, in the order in which it was written.
